#include "fetch/partial_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/range_set.h"
#include "fetch/download_paths.h"
#include "fetch/foreign_partial.h"
#include "fetch/range_record.h"

namespace fetch {
namespace {

// What a killed process may lose, over all its connections.
constexpr uint64_t kNoteEvery = uint64_t{512} << 10;

// What our record says is there, as far as the partial file reaches.
RecordedRanges OwnRanges(const DownloadPaths& paths, const RecordKey& key) {
  RecordedRanges ranges = ReadRangeRecord(paths.record_path, key);
  const uint64_t length = base::FileSize(paths.partial_path).value_or(0);
  ranges.there.Remove({length, key.size});
  ranges.synced.Remove({length, key.size});
  return ranges;
}

absl::Status WriteAt(int fd, const char* data, size_t size, uint64_t offset,
                     const std::string& path) {
  while (size > 0) {
    const ssize_t written = pwrite(fd, data, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return base::FileError(errno, "write", path);
    data += written;
    size -= static_cast<size_t>(written);
    offset += static_cast<uint64_t>(written);
  }
  return absl::OkStatus();
}

}  // namespace

uint64_t BytesThere(const DownloadPaths& paths, const RecordKey& key) {
  return std::max(
      OwnRanges(paths, key).there.size(),
      FindForeignPartial(paths.foreign_partial_path, key.size).bytes);
}

absl::StatusOr<std::unique_ptr<PartialFile>> PartialFile::Open(
    const DownloadPaths& paths, const RecordKey& key,
    std::unique_ptr<base::FileLock> lock) {
  RecordedRanges ranges = OwnRanges(paths, key);
  const ForeignPartial foreign =
      FindForeignPartial(paths.foreign_partial_path, key.size);
  if (foreign.bytes > ranges.there.size()) {
    unlink(paths.record_path.c_str());
    if (rename(foreign.path.c_str(), paths.partial_path.c_str()) != 0) {
      return base::FileError(errno, "take over", foreign.path);
    }
    ranges = RecordedRanges();
    ranges.there.Add({0, foreign.bytes});
  }
  const int fd = open(paths.partial_path.c_str(),
                      O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return base::FileError(errno, "open", paths.partial_path);
  auto file =
      absl::WrapUnique(new PartialFile(paths, key, fd, std::move(lock)));
  file->there_ = ranges.there;
  absl::Status status = file->Reserve();
  if (status.ok()) status = file->MakeRecord(ranges);
  if (!status.ok()) return status;
  return file;
}

PartialFile::~PartialFile() {
  Note().IgnoreError();  // what is not noted is fetched again
  close(fd_);
}

absl::Status PartialFile::Reserve() {
  const off_t size = static_cast<off_t>(key_.size);
  if (size == 0) return absl::OkStatus();
#ifdef __linux__
  if (fallocate(fd_, 0, 0, size) == 0) return absl::OkStatus();
  if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL) {
    return base::FileError(errno, "reserve space for", paths_.final_path);
  }
#endif
  if (ftruncate(fd_, size) != 0) {
    return base::FileError(errno, "reserve space for", paths_.final_path);
  }
  return absl::OkStatus();
}

absl::Status PartialFile::MakeRecord(const RecordedRanges& ranges) {
  absl::StatusOr<std::unique_ptr<RangeRecord>> record =
      RangeRecord::Create(paths_.record_path, key_, ranges);
  if (!record.ok()) return record.status();
  absl::MutexLock lock(&mutex_);
  record_ = *std::move(record);
  return absl::OkStatus();
}

absl::Status PartialFile::Write(uint64_t offset, const char* data,
                                size_t size) {
  const absl::Status status =
      WriteAt(fd_, data, size, offset, paths_.partial_path);
  if (!status.ok()) return status;
  there_.Add({offset, offset + size});
  unnoted_.Add({offset, offset + size});
  return unnoted_.size() >= kNoteEvery ? Note() : absl::OkStatus();
}

absl::Status PartialFile::Note() {
  if (unnoted_.empty()) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  if (record_ == nullptr) return absl::OkStatus();
  const absl::Status status = record_->AddWritten(unnoted_);
  unnoted_.Clear();
  return status;
}

absl::Status PartialFile::Restart() {
  there_.Clear();
  unnoted_.Clear();
  return MakeRecord(RecordedRanges());
}

absl::Status PartialFile::Sync() {
  std::shared_ptr<RangeRecord> record;
  {
    absl::MutexLock lock(&mutex_);
    record = record_;
  }
  if (record == nullptr) return absl::OkStatus();
  const base::RangeSet written = record->Written();
  if (fdatasync(fd_) != 0)
    return base::FileError(errno, "flush", paths_.final_path);
  absl::MutexLock lock(&mutex_);
  // What was flushed for a record that has been replaced does not count.
  return record_ == record ? record->SetSynced(written) : absl::OkStatus();
}

absl::Status PartialFile::Commit() {
  Note().IgnoreError();  // a file that is not noted whole is hashed again
  absl::MutexLock lock(&mutex_);
  if (rename(paths_.partial_path.c_str(), paths_.final_path.c_str()) != 0) {
    return base::FileError(errno, "rename to", paths_.final_path);
  }
  record_.reset();
  return absl::OkStatus();
}

void PartialFile::Discard() {
  absl::MutexLock lock(&mutex_);
  record_.reset();
  unnoted_.Clear();
  unlink(paths_.record_path.c_str());
  unlink(paths_.partial_path.c_str());
}

}  // namespace fetch
