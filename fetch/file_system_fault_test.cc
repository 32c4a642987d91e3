// What becomes of a download when the file system fails. This test stands in
// for it: calls of the client to these functions of the C library come here.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "base/testing/temp_dir.h"
#include "fetch/fault_fixture.h"
#include "fetch/fetch.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max() / 2;

// Bytes that can still be written.
std::atomic<int64_t> space{kUnlimited};
// What flushing fails with; 0 if it does not.
std::atomic<int> flush_error{0};

// Files that were flushed after they were last written to.
absl::Mutex mutex;
std::set<ino_t>& FlushedFiles() {
  static std::set<ino_t>* const files = new std::set<ino_t>();
  return *files;
}
// Blobs that got their name, with and without a record beside them.
std::atomic<int> noted_blobs{0};
std::atomic<int> unnoted_blobs{0};
// Blobs whose record was removed when they were flushed, and when they were
// not.
std::atomic<int> flushed_blobs{0};
std::atomic<int> unflushed_blobs{0};

constexpr absl::string_view kRecordSuffix = ".ranges.record.incomplete";

ino_t Inode(int fd) {
  struct stat info = {};
  fstat(fd, &info);
  return info.st_ino;
}

}  // namespace

extern "C" {

// As on file systems that cannot reserve space, so that they fill up midway.
int fallocate(int, int, off_t, off_t) {
  errno = EOPNOTSUPP;
  return -1;
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  const int64_t before = space.fetch_sub(static_cast<int64_t>(size));
  const int64_t fits = std::min<int64_t>(before, static_cast<int64_t>(size));
  if (fits <= 0) {
    space += static_cast<int64_t>(size);
    errno = ENOSPC;
    return -1;
  }
  space += static_cast<int64_t>(size) - fits;
  {
    absl::MutexLock lock(&mutex);
    FlushedFiles().erase(Inode(fd));
  }
  return syscall(SYS_pwrite64, fd, data, fits, offset);
}

int fdatasync(int fd) {
  if (flush_error != 0) {
    errno = flush_error;
    return -1;
  }
  absl::MutexLock lock(&mutex);
  FlushedFiles().insert(Inode(fd));
  return 0;
}

int rename(const char* from, const char* to) noexcept {
  const absl::string_view name = to;
  const bool is_blob = absl::StrContains(name, "/blobs/") &&
                       !absl::EndsWith(name, ".incomplete");
  if (is_blob) {
    const std::string record = absl::StrCat(name, kRecordSuffix);
    ++(access(record.c_str(), F_OK) == 0 ? noted_blobs : unnoted_blobs);
  }
  return static_cast<int>(
      syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int unlink(const char* path) noexcept {
  absl::string_view name = path;
  struct stat info = {};
  if (absl::ConsumeSuffix(&name, kRecordSuffix) &&
      stat(std::string(name).c_str(), &info) == 0) {
    absl::MutexLock lock(&mutex);
    ++(FlushedFiles().count(info.st_ino) > 0 ? flushed_blobs : unflushed_blobs);
  }
  return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

}  // extern "C"

namespace fetch {
namespace {

using ::base::Contents;
using ::testing::AllOf;
using ::testing::HasSubstr;

class FileSystemFaultTest : public FaultFixture {
 protected:
  FileSystemFaultTest() {
    space = kUnlimited;
    flush_error = 0;
    noted_blobs = unnoted_blobs = flushed_blobs = unflushed_blobs = 0;
  }
};

TEST_F(FileSystemFaultTest, DiskThatFillsUpMidway) {
  space = static_cast<int64_t>(3 * kMiB);
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr(temp_ / "hub"), HasSubstr("no space left"),
                    HasSubstr("HF_HOME")));
  EXPECT_EQ(Contents(BlobPath("model.safetensors")), "(none)");
  // What had been written is kept.
  space = kUnlimited;
  EXPECT_LE(FetchAndCheck().received_bytes, 4 * kMiB);
}

TEST_F(FileSystemFaultTest, FullDiskWritesNothing) {
  space = 0;
  EXPECT_TRUE(absl::IsResourceExhausted(Fetch().status()));
  space = kUnlimited;
  FetchAndCheck();
}

TEST_F(FileSystemFaultTest, FilesAreNotedUntilTheyAreOnTheDisk) {
  FetchAndCheck();
  const int files = static_cast<int>(repo_.files().size());
  EXPECT_EQ(noted_blobs, files);
  EXPECT_EQ(unnoted_blobs, 0);
  EXPECT_EQ(flushed_blobs, files);
  EXPECT_EQ(unflushed_blobs, 0);
}

TEST_F(FileSystemFaultTest, FileThatCannotBeFlushedIsHashedAgain) {
  flush_error = EIO;
  const absl::Status status = Fetch().status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("cannot flush"));
  EXPECT_EQ(flushed_blobs + unflushed_blobs, 0);
  flush_error = 0;
  // What the disk has made of it.
  const std::string weights = BlobPath("model.safetensors");
  base::WriteContents(weights, std::string(6 * kMiB, 0));
  const Snapshot snapshot = FetchAndCheck();
  EXPECT_EQ(snapshot.received_bytes, 6 * kMiB);
  EXPECT_EQ(Contents(weights + std::string(kRecordSuffix)), "(none)");
}

}  // namespace
}  // namespace fetch
