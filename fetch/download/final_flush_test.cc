#include "fetch/download/final_flush.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/file_lock.h"
#include "base/range_set.h"
#include "base/testing/temp_dir.h"
#include "fetch/cache/range_record.h"
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
  DownloadPaths Complete(const std::string& name) {
    const DownloadPaths paths = Paths(name);
    WriteContents(paths.final_path, "0123456789");
    base::RangeSet all;
    all.Add({0, 10});
    EXPECT_TRUE(WriteRangeRecord(paths.record_path, {"etag", 10}, all).ok());
    return paths;
  }

  TempDir temp_;
  TempDir locks_;
};

TEST_F(FinalFlushTest, FlushedFilesLoseTheirRecords) {
  FinalFlusher flusher;
  for (int i = 0; i < 300; ++i) {
    flusher.Add(Complete(absl::StrCat("file", i)));
  }
  WriteContents(Paths("file7").partial_path, "of another download");
  flusher.Add(Paths("file7"));
  ASSERT_TRUE(flusher.Wait(kLong).ok());
  EXPECT_THAT(FilesBelow(temp_.path()), SizeIs(300));
}

TEST_F(FinalFlushTest, FileOfAnotherProcessIsLeftAlone) {
  const DownloadPaths paths = Complete("file");
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = base::FileLock::TryAcquire(paths.lock_path);
    const char held = lock.ok() && *lock != nullptr;
    if (write(pipe_ends[1], &held, 1) == 1) pause();
    _exit(0);
  }
  char held = 0;
  ASSERT_EQ(read(pipe_ends[0], &held, 1), 1);
  ASSERT_EQ(held, 1);
  {
    FinalFlusher flusher;
    flusher.Add(paths);
    flusher.Add(Paths("gone"));
    ASSERT_TRUE(flusher.Wait(kLong).ok());
  }
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre("file", "file.record"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  FinalFlusher flusher;
  flusher.Add(paths);
  ASSERT_TRUE(flusher.Wait(kLong).ok());
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre("file"));
}

TEST_F(FinalFlushTest, SlowDiskIsLeftToALaterRun) {
  SetDiskIsSlow(true);
  FinalFlusher flusher;
  flusher.Add(Complete("file"));
  EXPECT_TRUE(flusher.Wait(absl::ZeroDuration()).ok());
  EXPECT_TRUE(IsUnflushed(Paths("file")));
  SetDiskIsSlow(false);
  EXPECT_TRUE(flusher.Wait(kLong).ok());
  EXPECT_FALSE(IsUnflushed(Paths("file")));
}

}  // namespace
}  // namespace fetch
