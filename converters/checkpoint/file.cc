#include "converters/checkpoint/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

namespace checkpoint {
namespace {

// An open file descriptor, and what tells its file from any other.
class Descriptor {
 public:
  static absl::StatusOr<std::shared_ptr<const Descriptor>> Open(
      const std::string& path) {
    // O_NONBLOCK: a pipe under a checkpoint's name must not block the open.
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
    }
    std::shared_ptr<Descriptor> descriptor(new Descriptor(fd));
    if (fstat(fd, &descriptor->stat_) != 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot stat ", path));
    }
    if (!S_ISREG(descriptor->stat_.st_mode)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, " is not a regular file"));
    }
    return descriptor;
  }

  ~Descriptor() { close(fd_); }

  int fd() const { return fd_; }
  uint64_t size() const { return static_cast<uint64_t>(stat_.st_size); }

  bool SameFile(dev_t device, ino_t inode) const {
    return stat_.st_dev == device && stat_.st_ino == inode;
  }
  dev_t device() const { return stat_.st_dev; }
  ino_t inode() const { return stat_.st_ino; }

 private:
  explicit Descriptor(int fd) : fd_(fd) {}

  const int fd_;
  struct stat stat_ = {};
};

}  // namespace

// The descriptors that are open, the last used first.
class FilePool::Descriptors {
 public:
  explicit Descriptors(size_t max_open) : max_open_(max_open) {}

  // The descriptor that `owner` put in, or null.
  std::shared_ptr<const Descriptor> Get(const void* owner) {
    absl::MutexLock lock(&mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->first != owner) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entries_.front().second;
    }
    return nullptr;
  }

  void Put(const void* owner, std::shared_ptr<const Descriptor> descriptor) {
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
  using Entry = std::pair<const void*, std::shared_ptr<const Descriptor>>;

  const size_t max_open_;
  mutable absl::Mutex mutex_;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

class FilePool::PooledFile : public File {
 public:
  PooledFile(std::string path, const std::shared_ptr<const Descriptor>& first,
             std::shared_ptr<Descriptors> descriptors)
      : path_(std::move(path)),
        size_(first->size()),
        device_(first->device()),
        inode_(first->inode()),
        descriptors_(std::move(descriptors)) {
    descriptors_->Put(this, first);
  }
  ~PooledFile() override { descriptors_->Remove(this); }

  const std::string& name() const override { return path_; }
  uint64_t size() const override { return size_; }

  absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const override {
    absl::Status status = CheckRange(*this, offset, out.size());
    if (!status.ok()) return status;
    absl::StatusOr<std::shared_ptr<const Descriptor>> descriptor = Acquire();
    if (!descriptor.ok()) return descriptor.status();
    while (!out.empty()) {
      const ssize_t got = pread((*descriptor)->fd(), out.data(), out.size(),
                                static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        return absl::DataLossError(
            absl::StrCat(path_, ": cannot read at offset ", offset, ": ",
                         absl::ErrnoToStatus(errno, "").message()));
      }
      if (got == 0) {
        return absl::DataLossError(absl::StrCat(
            path_, ": the file ends at offset ", offset, " but had ", size_,
            " bytes when it was opened; it was changed meanwhile"));
      }
      out.remove_prefix(static_cast<size_t>(got));
      offset += static_cast<uint64_t>(got);
    }
    return absl::OkStatus();
  }

  void Prefetch(uint64_t offset, uint64_t size) const override {
    absl::StatusOr<std::shared_ptr<const Descriptor>> descriptor = Acquire();
    if (!descriptor.ok()) return;  // the read will tell
    posix_fadvise((*descriptor)->fd(), static_cast<off_t>(offset),
                  static_cast<off_t>(size), POSIX_FADV_WILLNEED);
  }

 private:
  absl::StatusOr<std::shared_ptr<const Descriptor>> Acquire() const {
    std::shared_ptr<const Descriptor> open = descriptors_->Get(this);
    if (open != nullptr) return open;
    absl::StatusOr<std::shared_ptr<const Descriptor>> again =
        Descriptor::Open(path_);
    if (!again.ok()) return again.status();
    if (!(*again)->SameFile(device_, inode_)) {
      return absl::FailedPreconditionError(absl::StrCat(
          path_, " was replaced by another file while it was being read"));
    }
    descriptors_->Put(this, *again);
    return again;
  }

  const std::string path_;
  const uint64_t size_;
  const dev_t device_;
  const ino_t inode_;
  const std::shared_ptr<Descriptors> descriptors_;
};

absl::StatusOr<std::string> ReadString(const File& file, uint64_t offset,
                                       size_t size) {
  std::string bytes(size, '\0');
  absl::Status status = file.ReadAt(offset, absl::MakeSpan(bytes));
  if (!status.ok()) return status;
  return bytes;
}

absl::Status CheckRange(const File& file, uint64_t offset, size_t size) {
  if (offset <= file.size() && size <= file.size() - offset) {
    return absl::OkStatus();
  }
  return absl::OutOfRangeError(
      absl::StrCat(file.name(), ": bytes [", offset, ", +", size,
                   ") lie outside of its ", file.size(), " bytes"));
}

FileSlice::FileSlice(std::shared_ptr<const File> file, uint64_t offset,
                     uint64_t size)
    : file_(std::move(file)), offset_(offset), size_(size) {}

absl::Status FileSlice::ReadAt(uint64_t offset, absl::Span<char> out) const {
  absl::Status status = CheckRange(*this, offset, out.size());
  return status.ok() ? file_->ReadAt(offset_ + offset, out) : status;
}

void FileSlice::Prefetch(uint64_t offset, uint64_t size) const {
  file_->Prefetch(offset_ + offset, size);
}

FilePool::FilePool(size_t max_open)
    : descriptors_(std::make_shared<Descriptors>(max_open)) {}

FilePool::~FilePool() = default;

absl::StatusOr<std::shared_ptr<const File>> FilePool::Open(
    const std::string& path) {
  absl::StatusOr<std::shared_ptr<const Descriptor>> descriptor =
      Descriptor::Open(path);
  if (!descriptor.ok()) return descriptor.status();
  return std::make_shared<PooledFile>(path, *descriptor, descriptors_);
}

size_t FilePool::open_descriptors() const { return descriptors_->size(); }

}  // namespace checkpoint
