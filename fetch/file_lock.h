// File: fetch/file_lock.h
//
// A lock between processes, of the kind that huggingface_hub uses: flock(2) on
// a file that stays.

#ifndef FETCH_FILE_LOCK_H_
#define FETCH_FILE_LOCK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace fetch {

// Holds the lock while it lives. The kernel releases it if the process dies.
class FileLock {
 public:
  // Null if another holder has it. The file is made if need be, its directory
  // is not.
  static absl::StatusOr<std::unique_ptr<FileLock>> TryAcquire(
      const std::string& path);

  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace fetch

#endif  // FETCH_FILE_LOCK_H_
