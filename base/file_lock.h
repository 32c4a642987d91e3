// File: base/file_lock.h
//
// A lock between processes and within one: flock(2) on a file, of the kind
// that huggingface_hub uses.

#ifndef BASE_FILE_LOCK_H_
#define BASE_FILE_LOCK_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace base {

struct LockOptions {
  // Users who share a cache wait for each other's locks: the group may write
  // the file, whatever the umask says.
  bool shared_by_group = false;
  // The file will be written to: a symbolic link in its place, or a second name
  // of it elsewhere, is an error (FailedPrecondition).
  bool refuse_links = false;
};

// Holds the lock, and the file open for reading and writing, while it lives.
// The system releases it if the process dies.
class FileLock {
 public:
  // Null if another holder has it, in this process or another. The file, made
  // if need be, is the one that `path` names when the lock is held: a holder
  // may remove it before it lets go.
  static absl::StatusOr<std::unique_ptr<FileLock>> TryAcquire(
      const std::string& path, const LockOptions& options = {});

  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  int fd() const { return fd_; }

  // False on a file system without locks (some networks' and FUSE ones), where
  // every TryAcquire succeeds: what others may write at the same time needs a
  // name of its own.
  bool excludes() const { return excludes_; }

 private:
  explicit FileLock(int fd) : fd_(fd) {}

  const int fd_;
  bool excludes_ = true;
};

}  // namespace base

#endif  // BASE_FILE_LOCK_H_
