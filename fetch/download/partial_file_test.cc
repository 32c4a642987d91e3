#include "fetch/download/partial_file.h"

#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_lock.h"
#include "base/range_set.h"
#include "base/testing/temp_dir.h"
#include "fetch/cache/range_record.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

// What flock fails with; 0: it is the real one.
int flock_error = 0;

}  // namespace

extern "C" int flock(int fd, int operation) noexcept {
  if (flock_error == 0) {
    return static_cast<int>(syscall(SYS_flock, fd, operation));
  }
  errno = flock_error;
  return -1;
}

namespace fetch {
namespace {

using ::base::Contents;
using ::base::FilesBelow;
using ::base::TempDir;
using ::base::WriteContents;
using ::testing::ElementsAre;

// Files of the least size that has a record; the tests write at its start.
constexpr uint64_t kSize = kRecordedFrom;

class PartialFileTest : public ::testing::Test {
 protected:
  PartialFileTest() {
    flock_error = 0;
    paths_.final_path = temp_ / "final";
    paths_.partial_path = temp_ / "partial";
    paths_.record_path = temp_ / "record";
    paths_.foreign_partial_path = temp_ / "foreign.incomplete";
    paths_.lock_path = locks_ / "lock";
  }

  std::unique_ptr<PartialFile> Open(
      std::unique_ptr<base::FileLock> lock = nullptr) {
    absl::StatusOr<std::unique_ptr<PartialFile>> file =
        PartialFile::Open(paths_, key_, std::move(lock));
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }

  uint64_t BytesThere() const { return FindPartialBytes(paths_, key_).there; }

  TempDir temp_;
  TempDir locks_;
  DownloadPaths paths_;
  RecordKey key_ = {"etag", kSize};
};

TEST_F(PartialFileTest, GoesOnAfterAnEnd) {
  {
    const auto file = Open();
    ASSERT_TRUE(file->Write(6, "6789").ok());
    ASSERT_TRUE(file->Write(0, "01").ok());
    EXPECT_FALSE(file->has_old_bytes());
  }
  EXPECT_EQ(BytesThere(), 6);
  const auto file = Open();
  EXPECT_THAT(file->there().Ranges(),
              ElementsAre(base::Range{0, 2}, base::Range{6, 10}));
  EXPECT_FALSE(file->has_old_bytes());
  ASSERT_TRUE(file->Write(2, "2345").ok());
  ASSERT_TRUE(file->Write(10, std::string(kSize - 10, 'x')).ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Contents(paths_.final_path),
            "0123456789" + std::string(kSize - 10, 'x'));
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre("final", "record"));
  EXPECT_EQ(ReadRangeRecord(paths_.record_path, key_).there.size(), kSize);
}

TEST_F(PartialFileTest, SpaceIsReservedOnce) {
  EXPECT_EQ(FindPartialBytes(paths_, key_).reserved, 0);
  { ASSERT_TRUE(Open()->Write(0, "0123").ok()); }
  EXPECT_EQ(FindPartialBytes(paths_, key_).reserved, kSize);
}

TEST_F(PartialFileTest, SmallFilesHaveNoRecord) {
  key_.size = 10;
  {
    const auto file = Open();
    ASSERT_TRUE(file->Write(0, "01234").ok());
  }
  EXPECT_EQ(BytesThere(), 0);
  const auto file = Open();
  EXPECT_EQ(file->there().size(), 0);
  ASSERT_TRUE(file->Write(0, "0123456789").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Contents(paths_.final_path), "0123456789");
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre("final"));
}

TEST_F(PartialFileTest, BytesOfAnEarlierBootStaySuch) {
  { ASSERT_TRUE(Open()->Write(0, "0123").ok()); }
  base::RangeSet there;
  there.Add({0, 4});
  ASSERT_TRUE(
      WriteRangeRecord(paths_.record_path, key_, there, "yesterday").ok());
  for (int i = 0; i < 2; ++i) {
    const auto file = Open();
    EXPECT_TRUE(file->has_old_bytes());
    EXPECT_EQ(file->there().size(), 4);
  }
  const auto file = Open();
  ASSERT_TRUE(file->Restart().ok());
  EXPECT_FALSE(file->has_old_bytes());
  EXPECT_EQ(file->there().size(), 0);
}

// Two processes on a file system without locks.
TEST_F(PartialFileTest, WithoutLocksNobodyWritesIntoAnothersFile) {
  { ASSERT_TRUE(Open()->Write(0, "0123").ok()); }
  flock_error = ENOSYS;
  const auto lock = [this] {
    return *base::FileLock::TryAcquire(paths_.lock_path);
  };
  auto first = Open(lock());
  EXPECT_EQ(first->there().size(), 4);
  {
    auto second = Open(lock());
    EXPECT_EQ(second->there().size(), 0);
    ASSERT_TRUE(first->Write(4, std::string(kSize - 4, 'x')).ok());
    ASSERT_TRUE(first->Commit().ok());
    ASSERT_TRUE(second->Write(0, "wrong").ok());
  }
  EXPECT_EQ(Contents(paths_.final_path), "0123" + std::string(kSize - 4, 'x'));
  first.reset();
  // What the second had is where the next one finds it.
  EXPECT_EQ(Open(lock())->there().size(), 5);
  EXPECT_THAT(FilesBelow(temp_.path()),
              ElementsAre("final", "partial", "record"));
}

TEST_F(PartialFileTest, TruncatedFileIsNotBelieved) {
  { ASSERT_TRUE(Open()->Write(0, "0123456789").ok()); }
  WriteContents(paths_.partial_path, "0123");
  EXPECT_EQ(BytesThere(), 4);
}

TEST_F(PartialFileTest, OtherContentsStartOver) {
  { ASSERT_TRUE(Open()->Write(0, "0123").ok()); }
  key_.etag = "other";
  EXPECT_EQ(Open()->there().size(), 0);
}

TEST_F(PartialFileTest, TakesOverFromAnotherClientWhatIsMore) {
  { ASSERT_TRUE(Open()->Write(5, "56").ok()); }
  WriteContents(paths_.foreign_partial_path, "0123");
  EXPECT_EQ(BytesThere(), 4);
  const auto file = Open();
  EXPECT_THAT(file->there().Ranges(), ElementsAre(base::Range{0, 4}));
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre("partial", "record"));
}

TEST_F(PartialFileTest, LargerForeignFileIsAnotherOne) {
  WriteContents(paths_.foreign_partial_path, std::string(kSize + 1, 'x'));
  EXPECT_EQ(BytesThere(), 0);
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
  ASSERT_TRUE(file->Write(0, "0123").ok());
  file->Discard();
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre());
}

}  // namespace
}  // namespace fetch
