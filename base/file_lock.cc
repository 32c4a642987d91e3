#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace base {
namespace {

absl::Status CheckSoleName(int fd, const std::string& path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return FileError(errno, "inspect", path);
  if (S_ISREG(info.st_mode) && info.st_nlink <= 1) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      path,
      " has another name as well, or is no regular file, and would be "
      "overwritten; move it away"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::TryAcquire(
    const std::string& path, const LockOptions& options) {
  const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK |
                    (options.refuse_links ? O_NOFOLLOW : 0);
  while (true) {
    const int fd = open(path.c_str(), flags, 0666);
    if (fd < 0 && errno == ELOOP && options.refuse_links) {
      return absl::FailedPreconditionError(absl::StrCat(
          path,
          " is a symbolic link, and what it names would be overwritten; "
          "remove the link"));
    }
    if (fd < 0) return FileError(errno, "open", path);
    auto lock = absl::WrapUnique(new FileLock(fd));
    if (options.shared_by_group) fchmod(fd, 0664);  // its owner's alone to do
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return nullptr;
      if (errno != ENOSYS && errno != EOPNOTSUPP && errno != ENOLCK) {
        return FileError(errno, "lock", path);
      }
      lock->excludes_ = false;
    }
    if (lock->excludes_ && !IsFileAt(fd, path)) continue;
    if (options.refuse_links) RETURN_IF_ERROR(CheckSoleName(fd, path));
    return lock;
  }
}

FileLock::~FileLock() { close(fd_); }

}  // namespace base
