// What becomes of a download when the file system fails. This test stands in
// for it: calls of the client to these functions of the C library come here.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
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
#include "fetch/fetch.h"
#include "fetch/testing/fault_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max() / 2;

// Bytes that can still be written.
std::atomic<int64_t> space{kUnlimited};
// Whether space can be reserved, after which writing takes no more of it.
std::atomic<bool> reserves{false};
// Whether statvfs answers from `space`.
std::atomic<bool> tells_space{false};
std::atomic<int> writes{0};
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

int64_t BytesHeld(int fd) {
  struct stat info = {};
  fstat(fd, &info);
  return int64_t{info.st_blocks} * 512;
}

ino_t Inode(int fd) {
  struct stat info = {};
  fstat(fd, &info);
  return info.st_ino;
}

}  // namespace

extern "C" {

// Mostly as on file systems that cannot reserve space, so that they fill up
// midway.
int fallocate(int fd, int mode, off_t offset, off_t size) {
  if (!reserves) {
    errno = EOPNOTSUPP;
    return -1;
  }
  const int64_t before = BytesHeld(fd);
  if (space < size - before) {
    errno = ENOSPC;
    return -1;
  }
  const int result =
      static_cast<int>(syscall(SYS_fallocate, fd, mode, offset, size));
  space -= BytesHeld(fd) - before;
  return result;
}

int statvfs(const char* path, struct statvfs* info) noexcept {
  using Statvfs = int(const char*, struct statvfs*);
  static Statvfs* const real =
      reinterpret_cast<Statvfs*>(dlsym(RTLD_NEXT, "statvfs"));
  const int result = real(path, info);
  if (result == 0 && tells_space) {
    info->f_frsize = 1;
    info->f_bavail = static_cast<fsblkcnt_t>(space);
  }
  return result;
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  ++writes;
  if (reserves) return syscall(SYS_pwrite64, fd, data, size, offset);
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
    reserves = tells_space = false;
    writes = 0;
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
  repo_.Add("model-2.safetensors", testing::RandomBytes(2 * kMiB, 5), true);
  options_.include = {"*"};
  FetchAndCheck();
  EXPECT_EQ(noted_blobs, 2);
  // Small ones are hashed instead, each time.
  EXPECT_EQ(unnoted_blobs, static_cast<int>(repo_.files().size()) - 2);
  EXPECT_EQ(flushed_blobs, 2);
  EXPECT_EQ(unflushed_blobs, 0);
}

TEST_F(FileSystemFaultTest, SmallFileThatLostContentsIsFetchedAgain) {
  FetchAndCheck();
  const std::string config = BlobPath("config.json");
  base::WriteContents(config, std::string(Contents(config).size(), 0));
  FetchAndCheck();
}

// The first call reserves the space of the whole file, and is interrupted.
TEST_F(FileSystemFaultTest, ReservedSpaceIsNotNeededAgain) {
  reserves = tells_space = true;
  space = static_cast<int64_t>(8 * kMiB);
  server_.SetFault(
      [](const testing::Request& request, testing::Connection* connection) {
        if (!AsksForWeights(request) || request.range->begin < 2 * kMiB) {
          return false;
        }
        connection->Reply(503, {}, "");
        return true;
      });
  EXPECT_TRUE(absl::IsUnavailable(Fetch().status()));
  EXPECT_LT(space, static_cast<int64_t>(3 * kMiB));
  server_.SetFault(nullptr);
  EXPECT_LE(FetchAndCheck().received_bytes, 5 * kMiB);
}

TEST_F(FileSystemFaultTest, SpaceForCopiesIsLookedAt) {
  FetchAndCheck();
  tells_space = true;
  space = static_cast<int64_t>(3 * kMiB);
  options_.local_dir = temp_ / "local";
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("not enough space"));
  EXPECT_EQ(base::FilesBelow(*options_.local_dir).size(), 0);
}

TEST_F(FileSystemFaultTest, SpaceBelowARelativePathIsLookedAt) {
  tells_space = true;
  space = static_cast<int64_t>(3 * kMiB);
  for (const char* directory : {"not-there", "not-there/either"}) {
    options_.cache_dir = directory;
    const absl::Status status = Fetch().status();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr("not enough space"));
  }
}

// libcurl hands over 16 KiB at a time.
TEST_F(FileSystemFaultTest, BytesAreWrittenInLargerPieces) {
  FetchAndCheck();
  EXPECT_LT(writes, 6 * kMiB / (size_t{16} << 10) / 2);
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
