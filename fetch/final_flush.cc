#include "fetch/final_flush.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "fetch/download_paths.h"
#include "fetch/range_record.h"
#include "fetch/writeback.h"

namespace fetch {
namespace {

// Files that are flushed together wait for one commit of the file system's
// journal, not for one each.
constexpr size_t kBatch = 128;
// Written in so short a time that whoever wants to end need not wait.
constexpr uint64_t kPiece = uint64_t{4} << 20;

}  // namespace

bool IsUnflushed(const DownloadPaths& paths) {
  return base::FileSize(paths.record_path).has_value();
}

bool MayBeTorn(const DownloadPaths& paths, const RecordKey& key) {
  return IsUnflushed(paths) &&
         ReadRangeRecord(paths.record_path, key).there.size() < key.size;
}

// A file that is being flushed. Its lock keeps others from its record.
struct FinalFlusher::File {
  explicit File(const DownloadPaths& paths_in) : paths(paths_in) {}
  ~File() {
    if (fd >= 0) close(fd);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // False if another process is at it, which will flush it, or it has gone.
  bool Open();
  absl::Status Flush() const;

  const DownloadPaths paths;
  std::unique_ptr<base::FileLock> lock;
  uint64_t size = 0;
  int fd = -1;
};

bool FinalFlusher::File::Open() {
  absl::StatusOr<std::unique_ptr<base::FileLock>> acquired =
      base::FileLock::TryAcquire(paths.lock_path, {.shared_by_group = true});
  if (!acquired.ok() || *acquired == nullptr) return false;
  lock = *std::move(acquired);
  size = base::FileSize(paths.final_path).value_or(0);
  fd = open(paths.final_path.c_str(), O_RDONLY | O_CLOEXEC);
  return fd >= 0;
}

absl::Status FinalFlusher::File::Flush() const {
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

FinalFlusher::~FinalFlusher() {
  absl::MutexLock lock(&mutex_);
  given_up_ = true;
}

void FinalFlusher::Add(const DownloadPaths& paths) {
  absl::MutexLock lock(&mutex_);
  waiting_.push_back(paths);
  if (running_) return;
  running_ = true;
  queue_.Add([this] { Run(); });
}

absl::Status FinalFlusher::WaitUntil(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  const auto is_idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !running_;
  };
  mutex_.AwaitWithDeadline(absl::Condition(&is_idle), deadline);
  return status_;
}

// Runs until nothing is left.
void FinalFlusher::Run() {
  while (true) {
    std::vector<DownloadPaths> batch;
    {
      absl::MutexLock lock(&mutex_);
      const size_t count = std::min(waiting_.size(), kBatch);
      if (count == 0 || given_up_) {
        running_ = false;
        return;
      }
      const auto end = waiting_.begin() + static_cast<ptrdiff_t>(count);
      batch.assign(waiting_.begin(), end);
      waiting_.erase(waiting_.begin(), end);
    }
    FlushBatch(batch);
  }
}

bool FinalFlusher::GivenUp() const {
  absl::MutexLock lock(&mutex_);
  return given_up_;
}

void FinalFlusher::FlushBatch(const std::vector<DownloadPaths>& batch) {
  std::vector<std::unique_ptr<File>> files;
  for (const DownloadPaths& paths : batch) {
    auto file = std::make_unique<File>(paths);
    if (file->Open()) files.push_back(std::move(file));
  }
  for (const auto& file : files) StartWriteback(file->fd, 0, file->size);
  for (const auto& file : files) {
    for (uint64_t begin = 0; begin < file->size; begin += kPiece) {
      if (GivenUp()) return;
      FinishWriteback(file->fd, begin, std::min(begin + kPiece, file->size));
    }
  }
  for (const auto& file : files) {
    if (GivenUp()) return;
    const absl::Status status = file->Flush();
    absl::MutexLock lock(&mutex_);
    if (status_.ok()) status_ = status;
  }
}

}  // namespace fetch
