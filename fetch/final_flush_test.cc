#include "fetch/final_flush.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/file_lock.h"
#include "base/testing/temp_dir.h"
#include "fetch/download_paths.h"
#include "fetch/range_record.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

// A disk that takes its time: writing back waits while it is slow.
absl::Mutex disk;
bool disk_is_slow ABSL_GUARDED_BY(disk) = false;

void SetDiskIsSlow(bool is_slow) {
  absl::MutexLock lock(&disk);
  disk_is_slow = is_slow;
}

}  // namespace

extern "C" int sync_file_range(int, off64_t, off64_t, unsigned) {
  absl::MutexLock lock(&disk);
  const auto is_quick = []() ABSL_SHARED_LOCKS_REQUIRED(disk) {
    return !disk_is_slow;
  };
  disk.Await(absl::Condition(&is_quick));
  return 0;
}

namespace fetch {
namespace {

using ::base::FilesBelow;
using ::base::TempDir;
using ::base::WriteContents;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr absl::Duration kLong = absl::Minutes(5);

class FinalFlushTest : public ::testing::Test {
 protected:
  FinalFlushTest() { SetDiskIsSlow(false); }
  ~FinalFlushTest() override { SetDiskIsSlow(false); }

  DownloadPaths Paths(const std::string& name) const {
    DownloadPaths paths;
    paths.final_path = temp_ / name;
    paths.partial_path = temp_ / absl::StrCat(name, ".partial");
    paths.record_path = temp_ / absl::StrCat(name, ".record");
    paths.lock_path = locks_ / name;
    return paths;
  }

  // Makes a file that was completed under this boot and is not flushed.
  DownloadPaths Complete(const std::string& name, const std::string& boot) {
    const DownloadPaths paths = Paths(name);
    WriteContents(paths.final_path, "0123456789");
    RecordedRanges ranges;
    ranges.there.Add({0, 10});
    EXPECT_TRUE(
        RangeRecord::Create(paths.record_path, {"etag", 10, boot}, ranges)
            .ok());
    return paths;
  }

  TempDir temp_;
  TempDir locks_;
  const RecordKey today_ = {"etag", 10, "today"};
};

TEST_F(FinalFlushTest, OnlyARecordOfThisBootIsBelieved) {
  EXPECT_FALSE(MayBeTorn(Complete("a", "today"), today_));
  EXPECT_TRUE(MayBeTorn(Complete("b", "yesterday"), today_));
  // The system does not tell which boot it is: none is this one.
  EXPECT_TRUE(MayBeTorn(Complete("c", ""), {"etag", 10, ""}));
  // The record's own contents did not reach the disk.
  WriteContents(Paths("d").record_path, "");
  EXPECT_TRUE(MayBeTorn(Paths("d"), today_));
  EXPECT_FALSE(MayBeTorn(Paths("e"), today_));
}

TEST_F(FinalFlushTest, FlushedFilesLoseTheirRecords) {
  FinalFlusher flusher;
  for (int i = 0; i < 300; ++i) {
    flusher.Add(Complete(absl::StrCat("file", i), "today"));
  }
  WriteContents(Paths("file7").partial_path, "of another download");
  flusher.Add(Paths("file7"));
  ASSERT_TRUE(flusher.WaitUntil(absl::Now() + kLong).ok());
  EXPECT_THAT(FilesBelow(temp_.path()), SizeIs(300));
}

TEST_F(FinalFlushTest, FileOfAnotherProcessIsLeftAlone) {
  const DownloadPaths paths = Complete("file", "today");
  const absl::StatusOr<std::unique_ptr<base::FileLock>> lock =
      base::FileLock::TryAcquire(paths.lock_path);
  ASSERT_TRUE(lock.ok());
  FinalFlusher flusher;
  flusher.Add(paths);
  flusher.Add(Paths("gone"));
  ASSERT_TRUE(flusher.WaitUntil(absl::Now() + kLong).ok());
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre("file", "file.record"));
}

TEST_F(FinalFlushTest, SlowDiskIsLeftToALaterRun) {
  SetDiskIsSlow(true);
  FinalFlusher flusher;
  flusher.Add(Complete("file", "today"));
  EXPECT_TRUE(flusher.WaitUntil(absl::Now()).ok());
  EXPECT_TRUE(IsUnflushed(Paths("file")));
  SetDiskIsSlow(false);
  EXPECT_TRUE(flusher.WaitUntil(absl::Now() + kLong).ok());
  EXPECT_FALSE(IsUnflushed(Paths("file")));
}

}  // namespace
}  // namespace fetch
