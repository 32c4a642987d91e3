#include "converters/checkpoint/file.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/blame.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace checkpoint {

// The descriptors that are open, the last used first.
class FilePool::Descriptors {
 public:
  explicit Descriptors(size_t max_open) : max_open_(max_open) {}

  // The descriptor that `owner` put in, or null.
  std::shared_ptr<const base::InputFile> Get(const void* owner) {
    absl::MutexLock lock(&mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->first != owner) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entries_.front().second;
    }
    return nullptr;
  }

  void Put(const void* owner,
           std::shared_ptr<const base::InputFile> descriptor) {
    absl::MutexLock lock(&mutex_);
    entries_.remove_if([&](const auto& entry) { return entry.first == owner; });
    entries_.emplace_front(owner, std::move(descriptor));
    if (entries_.size() > max_open_) entries_.pop_back();
  }

  void Remove(const void* owner) {
    absl::MutexLock lock(&mutex_);
    entries_.remove_if([&](const auto& entry) { return entry.first == owner; });
  }

  size_t size() const {
    absl::MutexLock lock(&mutex_);
    return entries_.size();
  }

 private:
  using Entry = std::pair<const void*, std::shared_ptr<const base::InputFile>>;

  const size_t max_open_;
  mutable absl::Mutex mutex_;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

class FilePool::PooledFile : public File {
 public:
  PooledFile(std::string path,
             const std::shared_ptr<const base::InputFile>& first,
             std::shared_ptr<Descriptors> descriptors)
      : path_(std::move(path)),
        size_(first->size()),
        identity_(converters::MakeSourceFile(path_, first->info())),
        descriptors_(std::move(descriptors)) {
    descriptors_->Put(this, first);
  }
  ~PooledFile() override { descriptors_->Remove(this); }

  const std::string& name() const override { return path_; }
  uint64_t size() const override { return size_; }
  std::optional<converters::SourceFile> identity() const override {
    return identity_;
  }

  absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const override {
    RETURN_IF_ERROR(CheckRange(*this, offset, out.size()));
    ASSIGN_OR_RETURN(const std::shared_ptr<const base::InputFile> file,
                     Acquire());
    const int64_t got = base::ReadFully(
        file->fd(),
        absl::MakeSpan(reinterpret_cast<uint8_t*>(out.data()), out.size()),
        offset);
    if (got == static_cast<int64_t>(out.size())) return absl::OkStatus();
    if (got < 0) {
      return absl::DataLossError(
          absl::StrCat(path_, ": cannot read at offset ", offset, ": ",
                       std::strerror(static_cast<int>(-got))));
    }
    return absl::DataLossError(absl::StrCat(
        path_, ": the file ends at offset ", offset + got, " but had ", size_,
        " bytes when it was opened; it was changed meanwhile"));
  }

  void Prefetch(uint64_t offset, uint64_t size) const override {
    // An error shows when it is read.
    if (const auto file = Acquire(); file.ok()) (*file)->Prefetch(offset, size);
  }

 private:
  absl::StatusOr<std::shared_ptr<const base::InputFile>> Acquire() const {
    std::shared_ptr<const base::InputFile> open = descriptors_->Get(this);
    if (open != nullptr) return open;
    ASSIGN_OR_RETURN(open, base::InputFile::Open(path_));
    if (open->info().st_dev != identity_.device ||
        open->info().st_ino != identity_.inode) {
      return absl::FailedPreconditionError(absl::StrCat(
          path_, " was replaced by another file while it was being read"));
    }
    descriptors_->Put(this, open);
    return open;
  }

  const std::string path_;
  const uint64_t size_;
  const converters::SourceFile identity_;
  const std::shared_ptr<Descriptors> descriptors_;
};

absl::StatusOr<std::string> ReadString(const File& file, uint64_t offset,
                                       size_t size) {
  std::string bytes(size, '\0');
  RETURN_IF_ERROR(file.ReadAt(offset, absl::MakeSpan(bytes)));
  return bytes;
}

absl::Status CheckRange(const File& file, uint64_t offset, size_t size) {
  if (offset <= file.size() && size <= file.size() - offset) {
    return absl::OkStatus();
  }
  return base::BlameInput(absl::OutOfRangeError(
      absl::StrCat(file.name(), ": bytes [", offset, ", +", size,
                   ") lie outside of its ", file.size(), " bytes")));
}

FileSlice::FileSlice(std::shared_ptr<const File> file, uint64_t offset,
                     uint64_t size)
    : file_(std::move(file)), offset_(offset), size_(size) {}

absl::Status FileSlice::ReadAt(uint64_t offset, absl::Span<char> out) const {
  RETURN_IF_ERROR(CheckRange(*this, offset, out.size()));
  return file_->ReadAt(offset_ + offset, out);
}

void FileSlice::Prefetch(uint64_t offset, uint64_t size) const {
  file_->Prefetch(offset_ + offset, size);
}

FilePool::FilePool(size_t max_open)
    : descriptors_(std::make_shared<Descriptors>(max_open)) {}

FilePool::~FilePool() = default;

absl::StatusOr<std::shared_ptr<const File>> FilePool::Open(
    const std::string& path) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const base::InputFile> file,
                   base::InputFile::Open(path));
  return std::make_shared<PooledFile>(path, file, descriptors_);
}

size_t FilePool::open_descriptors() const { return descriptors_->size(); }

}  // namespace checkpoint
