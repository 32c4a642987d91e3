#include "fetch/download/final_flush.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "fetch/cache/range_record.h"

namespace fetch {
namespace {

// Written in so short a time that whoever wants to end need not wait.
constexpr uint64_t kPiece = uint64_t{4} << 20;

}  // namespace

void FinalFlusher::Add(const DownloadPaths& paths) {
  {
    absl::MutexLock lock(&mutex_);
    ++waiting_;
  }
  queue_.Add([this, paths] {
    const absl::Status status = Flush(paths);
    absl::MutexLock lock(&mutex_);
    --waiting_;
    if (status_.ok()) status_ = status;
  });
}

absl::Status FinalFlusher::Wait(absl::Duration patience) {
  absl::MutexLock lock(&mutex_);
  const auto is_idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return waiting_ == 0;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&is_idle), patience);
  return status_;
}

absl::Status FinalFlusher::Flush(const DownloadPaths& paths) const {
  // Whoever holds the lock flushes it, or it has gone.
  const absl::StatusOr<std::unique_ptr<base::FileLock>> lock =
      base::FileLock::TryAcquire(paths.lock_path, {.shared_by_group = true});
  if (!lock.ok() || *lock == nullptr) return absl::OkStatus();
  const int fd = open(paths.final_path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::OkStatus();
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  const uint64_t size = base::FileSize(paths.final_path).value_or(0);
  for (uint64_t begin = 0; begin < size; begin += kPiece) {
    if (given_up_) return absl::OkStatus();
    // Errors are fdatasync's to tell.
    sync_file_range(fd, static_cast<off64_t>(begin),
                    static_cast<off64_t>(std::min(kPiece, size - begin)),
                    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                        SYNC_FILE_RANGE_WAIT_AFTER);
  }
  if (given_up_) return absl::OkStatus();
  if (fdatasync(fd) != 0) {
    const absl::Status status =
        base::FileError(errno, "flush", paths.final_path);
    // An empty record: the next run hashes the file. If even that fails, the
    // record goes on to say that it is written, as the system said.
    base::ReplaceFile(paths.record_path, "").IgnoreError();
    return status;
  }
  unlink(paths.record_path.c_str());
  // Left by a download that another client has finished.
  unlink(paths.partial_path.c_str());
  return absl::OkStatus();
}

}  // namespace fetch
