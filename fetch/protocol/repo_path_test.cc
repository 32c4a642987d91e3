#include "fetch/protocol/repo_path.h"

#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/testing/temp_dir.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::base::TempDir;
using ::base::WriteContents;

TEST(RepoPathTest, PlainNamesAreFine) {
  for (const char* good : {"a", "a/b.json", "dir with blanks/x", "..a", "a..b",
                           ".gitattributes", ".cache/x", "\xc3\xa9"}) {
    EXPECT_TRUE(ValidateRepoPath(good).ok()) << good;
  }
}

TEST(RepoPathTest, NamesThatCouldLeaveAreRefused) {
  for (const char* bad :
       {"", "/etc/passwd", "..", "../a", "a/../b", "a/..", "./a", "a//b", "a/",
        "a\\..\\b", "C:evil", "a/C:/b", "a\nb", "a\x7f", ".git/config",
        ".GIT/config", ".cache/huggingface/x"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ValidateRepoPath(bad))) << bad;
  }
  EXPECT_FALSE(ValidateRepoPath(absl::string_view("a\0b", 3)).ok());
  EXPECT_FALSE(ValidateRepoPath(std::string(256, 'a')).ok());
}

TEST(RepoPathTest, LinksInTheWayAreRefused) {
  const TempDir temp;
  EXPECT_TRUE(MakeParentDirectories(temp / "x/root", "a/b/file").ok());
  EXPECT_EQ(access((temp / "x/root/a/b").c_str(), F_OK), 0);
  EXPECT_NE(access((temp / "x/root/a/b/file").c_str(), F_OK), 0);
  ASSERT_EQ(symlink("/tmp", (temp / "x/root/link").c_str()), 0);
  EXPECT_FALSE(MakeParentDirectories(temp / "x/root", "link/file").ok());
  WriteContents(temp / "x/root/plain", "");
  EXPECT_FALSE(MakeParentDirectories(temp / "x/root", "plain/file").ok());
}

}  // namespace
}  // namespace fetch
