#include "fetch/cache/tree_cache.h"

#include <optional>
#include <string>

#include "fetch/protocol/repo_listing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

constexpr char kSha1[] = "ce013625030ba8dba906f756967f9e9ca394464a";

TEST(TreeCacheTest, ReadsWhatHuggingfaceHubWrites) {
  const std::string sha256(64, 'd');
  const std::string text = R"({
 "format_version": 1,
 "files": {
  "config.json": {
   "size": 519,
   "blob_id": "ce013625030ba8dba906f756967f9e9ca394464a"
  },
  "model.safetensors": {
   "size": 1234,
   "blob_id": "ce013625030ba8dba906f756967f9e9ca394464a",
   "lfs_sha256": ")" + sha256 +
                           R"(",
   "lfs_size": 1234,
   "xet_hash": ")" + sha256 +
                           R"("
  }
 }
})";
  const std::optional<RepoListing> listing = ParseTree(text, "c");
  ASSERT_TRUE(listing.has_value());
  ASSERT_EQ(listing->files.size(), 2);
  EXPECT_EQ(listing->commit, "c");
  EXPECT_EQ(listing->files[0].path, "config.json");
  EXPECT_EQ(listing->files[0].size, 519);
  EXPECT_EQ(listing->files[0].etag(), kSha1);
  EXPECT_EQ(listing->files[1].etag(), sha256);
  EXPECT_EQ(listing->files[1].digest_kind(), base::DigestKind::kSha256);
  // And the way back says the same.
  const std::optional<RepoListing> again = ParseTree(FormatTree(*listing), "c");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->files[1].xet_hash, sha256);
  EXPECT_EQ(again->files[1].size, 1234);
}

TEST(TreeCacheTest, WhatIsNotATreeIsNone) {
  for (const char* bad :
       {"", "[]", "{}", R"({"format_version": 2, "files": {}})",
        R"({"format_version": 1, "files": []})",
        R"({"format_version": 1, "files": {"a": {"size": -1}}})",
        R"({"format_version": 1, "files": {"a": 5}})",
        R"({"format_version": 1, "files": {"../a": {"size": 1,
            "blob_id": "ce013625030ba8dba906f756967f9e9ca394464a"}}})"}) {
    EXPECT_FALSE(ParseTree(bad, "c").has_value()) << bad;
  }
}

}  // namespace
}  // namespace fetch
