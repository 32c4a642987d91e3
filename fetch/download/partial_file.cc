#include "fetch/download/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
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
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/range_set.h"
#include "base/status_macros.h"
#include "fetch/cache/foreign_partial.h"
#include "fetch/cache/range_record.h"

namespace fetch {
namespace {

// What a killed process may lose, over all its connections.
constexpr uint64_t kNoteEvery = uint64_t{512} << 10;

// What our record says is there, as far as the partial file reaches.
RecordedRanges OwnRanges(const DownloadPaths& paths, const RecordKey& key) {
  RecordedRanges ranges = ReadRangeRecord(paths.record_path, key);
  const uint64_t length = base::FileSize(paths.partial_path).value_or(0);
  ranges.there.Remove({length, key.size});
  return ranges;
}

ForeignPartial FindForeign(const DownloadPaths& paths, const RecordKey& key) {
  if (key.size < kRecordedFrom) return {};
  return FindForeignPartial(paths.foreign_partial_path, key.size);
}

uint64_t BytesOnDisk(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  return static_cast<uint64_t>(info.st_blocks) * 512;
}

}  // namespace

PartialBytes FindPartialBytes(const DownloadPaths& paths,
                              const RecordKey& key) {
  const ForeignPartial foreign = FindForeign(paths, key);
  const uint64_t own = OwnRanges(paths, key).there.size();
  const bool is_foreign = foreign.bytes > own;
  return {std::max(own, foreign.bytes),
          std::min(key.size, BytesOnDisk(is_foreign ? foreign.path
                                                    : paths.partial_path))};
}

absl::StatusOr<std::unique_ptr<PartialFile>> PartialFile::Open(
    const DownloadPaths& paths, const RecordKey& key,
    std::unique_ptr<base::FileLock> lock) {
  auto file = absl::WrapUnique(new PartialFile(paths, key, std::move(lock)));
  if (file->lock_ != nullptr && !file->lock_->excludes()) file->TakeOwnNames();
  RecordedRanges ranges = OwnRanges(file->own_, key);
  file->there_ = std::move(ranges.there);
  file->has_old_bytes_ = !file->there_.empty() && !ranges.of_this_boot;
  RETURN_IF_ERROR(file->TakeOver());
  RETURN_IF_ERROR(file->OpenFiles());
  return file;
}

// Whoever renames a file has it: the record goes first, as nothing counts
// without it.
void PartialFile::TakeOwnNames() {
  own_.partial_path = base::TemporaryName(shared_.partial_path);
  own_.record_path = base::TemporaryName(shared_.record_path);
  if (rename(shared_.record_path.c_str(), own_.record_path.c_str()) == 0) {
    rename(shared_.partial_path.c_str(), own_.partial_path.c_str());
  }
}

// Another client's partial file becomes ours if it has more.
absl::Status PartialFile::TakeOver() {
  const ForeignPartial foreign = FindForeign(shared_, key_);
  if (foreign.bytes <= there_.size()) return absl::OkStatus();
  unlink(own_.record_path.c_str());
  if (rename(foreign.path.c_str(), own_.partial_path.c_str()) != 0) {
    return base::FileError(errno, "take over", foreign.path);
  }
  there_.Clear();
  there_.Add({0, foreign.bytes});
  return absl::OkStatus();
}

absl::Status PartialFile::OpenFiles() {
  fd_ = open(own_.partial_path.c_str(),
             O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd_ < 0) return base::FileError(errno, "open", own_.partial_path);
  RETURN_IF_ERROR(Reserve());
  return MakeRecord();
}

PartialFile::~PartialFile() {
  Note().IgnoreError();  // what is not noted is fetched again
  if (record_fd_ >= 0) close(record_fd_);
  if (fd_ >= 0) close(fd_);
  if (own_.partial_path == shared_.partial_path) return;
  rename(own_.partial_path.c_str(), shared_.partial_path.c_str());
  rename(own_.record_path.c_str(), shared_.record_path.c_str());
}

absl::Status PartialFile::Reserve() const {
  const off_t size = static_cast<off_t>(key_.size);
  if (size == 0 || fallocate(fd_, 0, 0, size) == 0) return absl::OkStatus();
  const bool cannot = errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL;
  if (cannot && ftruncate(fd_, size) == 0) return absl::OkStatus();
  return base::FileError(errno, "reserve space for", shared_.final_path);
}

absl::Status PartialFile::MakeRecord() {
  if (!has_record()) return absl::OkStatus();
  // Bytes of an earlier boot stay such.
  RETURN_IF_ERROR(WriteRangeRecord(own_.record_path, key_, there_,
                                   has_old_bytes_ ? "earlier" : BootId()));
  if (record_fd_ >= 0) close(record_fd_);
  record_fd_ = open(own_.record_path.c_str(),
                    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
  if (record_fd_ >= 0) return absl::OkStatus();
  return base::FileError(errno, "open", own_.record_path);
}

absl::Status PartialFile::Write(uint64_t offset, absl::string_view bytes) {
  RETURN_IF_ERROR(base::WriteFullyAt(
      fd_,
      absl::MakeSpan(reinterpret_cast<const uint8_t*>(bytes.data()),
                     bytes.size()),
      offset, own_.partial_path));
  there_.Add({offset, offset + bytes.size()});
  unnoted_.Add({offset, offset + bytes.size()});
  return unnoted_.size() >= kNoteEvery ? Note() : absl::OkStatus();
}

absl::Status PartialFile::Note() {
  if (unnoted_.empty() || record_fd_ < 0) return absl::OkStatus();
  const std::string lines = RecordLines(unnoted_);
  unnoted_.Clear();
  return base::WriteFully(record_fd_, lines, own_.record_path);
}

absl::Status PartialFile::Restart() {
  there_.Clear();
  unnoted_.Clear();
  has_old_bytes_ = false;
  return MakeRecord();
}

absl::Status PartialFile::Commit() {
  if (has_record()) {
    unnoted_.Clear();
    RETURN_IF_ERROR(WriteRangeRecord(shared_.record_path, key_, there_));
  }
  if (rename(own_.partial_path.c_str(), shared_.final_path.c_str()) != 0) {
    return base::FileError(errno, "rename to", shared_.final_path);
  }
  if (own_.record_path != shared_.record_path) {
    unlink(own_.record_path.c_str());
  }
  own_ = shared_;
  return absl::OkStatus();
}

void PartialFile::Discard() {
  unnoted_.Clear();
  unlink(own_.record_path.c_str());
  unlink(own_.partial_path.c_str());
  own_ = shared_;
}

}  // namespace fetch
