#include "fetch/partial_file.h"

#include <unistd.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/testing/temp_dir.h"
#include "fetch/download_paths.h"
#include "fetch/range_record.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::base::Contents;
using ::base::FilesBelow;
using ::base::TempDir;
using ::base::WriteContents;
using ::testing::ElementsAre;

class PartialFileTest : public ::testing::Test {
 protected:
  PartialFileTest() {
    paths_.final_path = temp_ / "final";
    paths_.partial_path = temp_ / "partial";
    paths_.record_path = temp_ / "record";
    paths_.foreign_partial_path = temp_ / "foreign.incomplete";
  }

  std::unique_ptr<PartialFile> Open() {
    absl::StatusOr<std::unique_ptr<PartialFile>> file =
        PartialFile::Open(paths_, key_, nullptr);
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }

  TempDir temp_;
  DownloadPaths paths_;
  RecordKey key_ = {"etag", 10, "boot"};
};

TEST_F(PartialFileTest, GoesOnAfterAnEnd) {
  {
    const auto file = Open();
    ASSERT_TRUE(file->Write(6, "6789", 4).ok());
    ASSERT_TRUE(file->Write(0, "01", 2).ok());
  }
  EXPECT_EQ(BytesThere(paths_, key_), 6);
  const auto file = Open();
  EXPECT_THAT(file->there().Ranges(),
              ElementsAre(base::Range{0, 2}, base::Range{6, 10}));
  ASSERT_TRUE(file->Write(2, "2345", 4).ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Contents(paths_.final_path), "0123456789");
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre("final", "record"));
  // The record is the final flush's now; one that comes late leaves it alone.
  unlink(paths_.record_path.c_str());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre("final"));
}

TEST_F(PartialFileTest, CompleteFileIsNotedWhole) {
  const auto file = Open();
  ASSERT_TRUE(file->Write(0, "0123456789", 10).ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(ReadRangeRecord(paths_.record_path, key_).there.size(), 10);
}

TEST_F(PartialFileTest, TruncatedFileIsNotBelieved) {
  { ASSERT_TRUE(Open()->Write(0, "0123456789", 10).ok()); }
  WriteContents(paths_.partial_path, "0123");
  EXPECT_EQ(BytesThere(paths_, key_), 4);
}

TEST_F(PartialFileTest, OtherContentsStartOver) {
  { ASSERT_TRUE(Open()->Write(0, "0123", 4).ok()); }
  key_.etag = "other";
  EXPECT_EQ(Open()->there().size(), 0);
}

TEST_F(PartialFileTest, TakesOverFromAnotherClientWhatIsMore) {
  { ASSERT_TRUE(Open()->Write(5, "56", 2).ok()); }
  WriteContents(paths_.foreign_partial_path, "0123");
  EXPECT_EQ(BytesThere(paths_, key_), 4);
  const auto file = Open();
  EXPECT_THAT(file->there().Ranges(), ElementsAre(base::Range{0, 4}));
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre("partial", "record"));
}

TEST_F(PartialFileTest, LargerForeignFileIsAnotherOne) {
  WriteContents(paths_.foreign_partial_path, "01234567890");
  EXPECT_EQ(BytesThere(paths_, key_), 0);
  EXPECT_EQ(Open()->there().size(), 0);
}

TEST_F(PartialFileTest, LinkInItsPlaceIsRefused) {
  WriteContents(temp_ / "elsewhere", "precious");
  ASSERT_EQ(symlink("elsewhere", paths_.partial_path.c_str()), 0);
  EXPECT_FALSE(PartialFile::Open(paths_, key_, nullptr).ok());
  EXPECT_EQ(Contents(temp_ / "elsewhere"), "precious");
}

TEST_F(PartialFileTest, DiscardLeavesNothing) {
  const auto file = Open();
  ASSERT_TRUE(file->Write(0, "0123", 4).ok());
  file->Discard();
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre());
}

}  // namespace
}  // namespace fetch
