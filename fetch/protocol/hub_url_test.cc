#include "fetch/protocol/hub_url.h"

#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

TEST(HubUrlTest, RepoIds) {
  EXPECT_TRUE(ValidateRepoId("gpt2").ok());
  EXPECT_TRUE(ValidateRepoId("Qwen/Qwen2.5-0.5B_x").ok());
  EXPECT_TRUE(ValidateRepoId(std::string(96, 'a')).ok());
  for (const char* bad :
       {"", "/", "a/", "/a", "a/b/c", "a--b/c", "a/b..c", "a/b.git", "-a/b",
        "a/.b", "a/b-", "a b/c", "a/b?c", "../a", "a/%2e", "a/b\n"}) {
    EXPECT_FALSE(ValidateRepoId(bad).ok()) << bad;
  }
  EXPECT_FALSE(ValidateRepoId(std::string(97, 'a')).ok());
}

TEST(HubUrlTest, Revisions) {
  for (const char* good :
       {"main", "v1.0", "refs/pr/3", "0123456789abcdef", "feature/x_y-z"}) {
    EXPECT_TRUE(ValidateRevision(good).ok()) << good;
  }
  for (const char* bad : {"", "a b", "../x", "a/../b", "/a", "a/", "a//b",
                          ".hidden", "a.lock", "a\\b", "a:b", "x@{1}"}) {
    EXPECT_FALSE(ValidateRevision(bad).ok()) << bad;
  }
}

TEST(HubUrlTest, CommitHashes) {
  EXPECT_TRUE(IsCommitHash("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(IsCommitHash("0123456789abcdef0123456789abcdef0123456"));
  EXPECT_FALSE(IsCommitHash("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(IsCommitHash("main"));
}

TEST(HubUrlTest, Urls) {
  EXPECT_EQ(RevisionApiUrl("https://h", "o/m", "refs/pr/1"),
            "https://h/api/models/o/m/revision/refs%2Fpr%2F1");
  EXPECT_EQ(TreeApiUrl("https://h", "o/m", "abc"),
            "https://h/api/models/o/m/tree/abc?recursive=true&expand=false");
  EXPECT_EQ(ResolveUrl("https://h", "o/m", "abc", "a b/c#?.json"),
            "https://h/o/m/resolve/abc/a%20b/c%23%3F.json");
  EXPECT_EQ(EscapePath("\xc3\xa9%/~"), "%C3%A9%25/~");
}

TEST(HubUrlTest, Origins) {
  EXPECT_EQ(*Origin("https://Example.com/a?b"), "https://example.com:443");
  EXPECT_EQ(*Origin("http://example.com:8080/"), "http://example.com:8080");
  EXPECT_FALSE(Origin("ftp://example.com/").ok());
  EXPECT_FALSE(Origin("/relative").ok());
  EXPECT_TRUE(SameOrigin("https://a.b/x", "https://A.B:443/y"));
  EXPECT_FALSE(SameOrigin("https://a.b/x", "http://a.b/x"));
  EXPECT_FALSE(SameOrigin("https://a.b/x", "https://a.b:444/x"));
  EXPECT_FALSE(SameOrigin("https://a.b/x", "https://a.b.c/x"));
  // What looks like the host may be a user's name.
  EXPECT_FALSE(SameOrigin("https://a.b/x", "https://a.b@evil.com/x"));
}

TEST(HubUrlTest, Redirects) {
  EXPECT_EQ(*ResolveRedirect("https://h/a/b", "/c?d=e"), "https://h/c?d=e");
  EXPECT_EQ(*ResolveRedirect("https://h/a/b", "https://cdn/x"),
            "https://cdn/x");
  EXPECT_EQ(*ResolveRedirect("http://h/a", "https://h/a"), "https://h/a");
  EXPECT_FALSE(ResolveRedirect("https://h/a", "http://h/a").ok());
  EXPECT_FALSE(ResolveRedirect("https://h/a", "file:///etc/passwd").ok());
  EXPECT_FALSE(ResolveRedirect("https://h/a", "").ok());
}

TEST(HubUrlTest, SecretsAreNotPrintable) {
  EXPECT_EQ(PrintableUrl("https://user:word@h/p?signature=secret#f"),
            "https://h/p");
  EXPECT_EQ(PrintableUrl("not a url?secret"), "not a url");
  // Where libcurl finds no host, the user's name and password are hidden too.
  EXPECT_EQ(PrintableUrl("https://user:secret@ho st"), "https://ho st");
  EXPECT_EQ(PrintableUrl("https://user:se@c?r#et@ho st/p?x"),
            "https://ho st/p");
  EXPECT_EQ(PrintableUrl("user:secret@ho st"), "ho st");
  EXPECT_EQ(PrintableUrl("no\x1b[2Jurl "), "no\\x1b[2Jurl ");
}

}  // namespace
}  // namespace fetch
