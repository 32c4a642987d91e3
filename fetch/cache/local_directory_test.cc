#include "fetch/cache/local_directory.h"

#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/testing/temp_dir.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::base::TempDir;
using ::base::WriteContents;

TEST(LocalDirectoryTest, PathsAreHuggingfaceHubs) {
  const auto paths = LocalDirectory("/d").FilePaths("sub/config.json", "etag");
  ASSERT_TRUE(paths.ok());
  EXPECT_EQ(paths->final_path, "/d/sub/config.json");
  const std::string base = "/d/.cache/huggingface/download/sub/";
  EXPECT_EQ(paths->lock_path, base + "config.json.lock");
  // Python: base64.urlsafe_b64encode(
  //             hashlib.sha1(b"config.json.metadata").digest())
  EXPECT_EQ(paths->foreign_partial_path,
            base + "8_PA_wEVGiVa2goH2H4KQOQpvVY=.etag.incomplete");
}

TEST(LocalDirectoryTest, MetadataCountsWhileTheFileIsUnchanged) {
  const TempDir temp;
  const LocalDirectory directory(temp.path());
  ASSERT_TRUE(directory.Prepare("a/b").ok());
  const std::string metadata =
      temp / ".cache/huggingface/download/a/b.metadata";
  WriteContents(metadata, "commit\netag\n1712656091.123\n");
  EXPECT_FALSE(directory.ReadMetadata("a/b").has_value());  // no file
  WriteContents(temp / "a/b", "contents");
  EXPECT_FALSE(directory.ReadMetadata("a/b").has_value());  // file is newer
  ASSERT_TRUE(
      directory.WriteMetadata("a/b", {"commit", "etag", absl::Now()}).ok());
  const auto read = directory.ReadMetadata("a/b");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->commit, "commit");
  EXPECT_EQ(read->etag, "etag");
  WriteContents(metadata, "commit\netag\nyesterday\n");
  EXPECT_FALSE(directory.ReadMetadata("a/b").has_value());
}

}  // namespace
}  // namespace fetch
