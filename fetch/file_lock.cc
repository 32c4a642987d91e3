#include "fetch/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "absl/memory/memory.h"
#include "absl/status/statusor.h"
#include "fetch/file_status.h"

namespace fetch {
namespace {

// Users who share a cache wait for each other's locks, so the group may write.
constexpr mode_t kLockMode = 0664;

// Some lock libraries remove the file on release; a lock on a file that has
// lost its name excludes nobody.
bool IsStillNamed(int fd, const std::string& path) {
  struct stat held;
  struct stat named;
  return fstat(fd, &held) == 0 && stat(path.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::TryAcquire(
    const std::string& path) {
  while (true) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kLockMode);
    if (fd < 0) return FileError(errno, "open the lock", path);
    fchmod(fd, kLockMode);  // the owner's alone to do; open obeys the umask
    auto lock = absl::WrapUnique(new FileLock(fd));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
      if (IsStillNamed(fd, path)) return lock;
    } else if (errno == EWOULDBLOCK) {
      return nullptr;
    } else if (errno == ENOSYS || errno == ENOTSUP || errno == ENOLCK) {
      return lock;  // no locks on this file system: the rename is atomic anyway
    } else if (errno != EINTR) {
      return FileError(errno, "lock", path);
    }
  }
}

FileLock::~FileLock() { close(fd_); }

}  // namespace fetch
