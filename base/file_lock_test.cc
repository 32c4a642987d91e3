#include "base/file_lock.h"

#include <dlfcn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/testing/temp_dir.h"
#include "gtest/gtest.h"

// What flock fails with; 0: it is the real one.
static int flock_error = 0;

// Replaces libc's, whose file systems here all have locks.
extern "C" int flock(int fd, int operation) noexcept {
  using Flock = int(int, int);
  static Flock* const real =
      reinterpret_cast<Flock*>(dlsym(RTLD_NEXT, "flock"));
  if (flock_error == 0) return real(fd, operation);
  errno = flock_error;
  return -1;
}

namespace base {
namespace {

TEST(FileLockTest, OneHolderAtATime) {
  const TempDir temp;
  const std::string path = temp / "lock";
  absl::StatusOr<std::unique_ptr<FileLock>> first =
      FileLock::TryAcquire(path, {.shared_by_group = true});
  ASSERT_TRUE(first.ok() && *first != nullptr);
  EXPECT_TRUE((*first)->excludes());
  EXPECT_EQ(*FileLock::TryAcquire(path), nullptr);
  first->reset();
  EXPECT_NE(*FileLock::TryAcquire(path), nullptr);
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0664);
}

TEST(FileLockTest, LockOnARemovedFileExcludesNobody) {
  const TempDir temp;
  const std::string path = temp / "lock";
  const auto first = FileLock::TryAcquire(path);
  ASSERT_TRUE(first.ok() && *first != nullptr);
  unlink(path.c_str());
  EXPECT_NE(*FileLock::TryAcquire(path), nullptr);
}

TEST(FileLockTest, FileSystemsWithoutLocksGoOnAndSaySo) {
  const TempDir temp;
  for (const int error : {ENOSYS, EOPNOTSUPP, ENOLCK}) {
    flock_error = error;
    const auto lock = FileLock::TryAcquire(temp / "lock");
    ASSERT_TRUE(lock.ok() && *lock != nullptr) << lock.status();
    EXPECT_FALSE((*lock)->excludes());
  }
  flock_error = EIO;
  EXPECT_FALSE(FileLock::TryAcquire(temp / "lock").ok());
  flock_error = EWOULDBLOCK;
  EXPECT_EQ(*FileLock::TryAcquire(temp / "lock"), nullptr);
  flock_error = 0;
}

TEST(FileLockTest, FilesWithOtherNamesAreRefused) {
  const TempDir temp;
  WriteContents(temp / "thesis", "years of work");
  ASSERT_EQ(symlink("thesis", (temp / "symbolic").c_str()), 0);
  ASSERT_EQ(link((temp / "thesis").c_str(), (temp / "hard").c_str()), 0);
  for (const char* name : {"symbolic", "hard"}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(
        FileLock::TryAcquire(temp / name, {.refuse_links = true}).status()))
        << name;
    EXPECT_TRUE(FileLock::TryAcquire(temp / name).ok());
  }
  EXPECT_TRUE(FileLock::TryAcquire(temp / "own", {.refuse_links = true}).ok());
}

TEST(FileLockTest, MissingDirectoryIsAnError) {
  EXPECT_FALSE(FileLock::TryAcquire("/nowhere/lock").ok());
}

}  // namespace
}  // namespace base
