#include "tools/engine/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace make_gguf {

class PartialFile::Handle {
 public:
  Handle(int fd, bool owned) : fd_(fd), owned_(owned) {}
  Handle(Handle&& other)
      : fd_(other.fd_), owned_(std::exchange(other.owned_, false)) {}
  ~Handle() {
    if (owned_) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  const int fd_;
  bool owned_;
};

std::string PartialPath(absl::string_view path) {
  return absl::StrCat(path, ".partial");
}

PartialFile::PartialFile(absl::string_view path, uint64_t size,
                         const PartialFileOptions& options)
    : path_(path),
      partial_path_(PartialPath(path)),
      size_(size),
      options_(options) {}

PartialFile::~PartialFile() {
  // Still locked: no other process can have taken it over.
  if (lock_ != nullptr && !begun_ && !resumed_) Remove();
}

absl::StatusOr<std::unique_ptr<PartialFile>> PartialFile::Open(
    absl::string_view path, absl::Span<const uint8_t> head, uint64_t size,
    const PartialFileOptions& options) {
  auto file = absl::WrapUnique(new PartialFile(path, size, options));
  RETURN_IF_ERROR(file->Begin(head));
  return file;
}

absl::Status PartialFile::Error(int error, absl::string_view action) const {
  if (error != ENOSPC && error != EDQUOT) {
    return base::FileError(error, action, partial_path_);
  }
  struct stat info = {};
  stat(partial_path_.c_str(), &info);
  const absl::StatusOr<Handle> handle = Acquire();
  return absl::ResourceExhaustedError(absl::StrCat(
      "cannot ", action, " ", partial_path_,
      ": no space left on the device (the file needs ", size_,
      " bytes and has ", static_cast<uint64_t>(info.st_blocks) * 512, "; ",
      handle.ok() ? options_.ops->AvailableBytes(handle->fd()) : 0,
      " are available)"));
}

absl::Status PartialFile::Begin(absl::Span<const uint8_t> head) {
  ASSIGN_OR_RETURN(
      lock_, base::FileLock::TryAcquire(partial_path_, {.refuse_links = true}));
  if (lock_ == nullptr) {
    return absl::UnavailableError(
        absl::StrCat(partial_path_,
                     " is being written by another process; wait until it is "
                     "done, or give another --outdir or --outname"));
  }
  struct stat info;
  if (fstat(lock_->fd(), &info) != 0) return Error(errno, "inspect");
  device_ = info.st_dev;
  inode_ = info.st_ino;
  if (options_.resume && static_cast<uint64_t>(info.st_size) == size_) {
    ASSIGN_OR_RETURN(resumed_, Holds(head));
  }
  if (!resumed_ && ftruncate(lock_->fd(), 0) != 0) return Error(errno, "empty");
  const int reserved = options_.ops->Reserve(lock_->fd(), size_);
  if (reserved < 0) return Error(-reserved, "reserve space for");
  if (!resumed_) RETURN_IF_ERROR(Write(0, head));
  begun_ = true;
  if (!options_.keep_open) lock_ = nullptr;
  return absl::OkStatus();
}

absl::StatusOr<bool> PartialFile::Holds(absl::Span<const uint8_t> head) const {
  std::vector<uint8_t> there(head.size());
  const int64_t got = base::ReadFully(lock_->fd(), absl::MakeSpan(there), 0);
  if (got < 0) return Error(static_cast<int>(-got), "read the head of");
  return there == head;
}

absl::StatusOr<PartialFile::Handle> PartialFile::Acquire() const {
  if (lock_ != nullptr) return Handle(lock_->fd(), /*owned=*/false);
  Handle handle(open(partial_path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW),
                /*owned=*/true);
  struct stat info;
  if (handle.fd() < 0 || fstat(handle.fd(), &info) != 0) {
    return base::FileError(errno, "open", partial_path_);
  }
  if (info.st_dev != device_ || info.st_ino != inode_) {
    return absl::FailedPreconditionError(absl::StrCat(
        partial_path_, " was replaced by another file while it was written"));
  }
  return handle;
}

absl::Status PartialFile::Write(uint64_t offset,
                                absl::Span<const uint8_t> bytes) {
  ASSIGN_OR_RETURN(const Handle handle, Acquire());
  while (!bytes.empty()) {
    const int64_t written = options_.ops->Write(handle.fd(), bytes, offset);
    if (written <= 0) {
      return Error(written < 0 ? static_cast<int>(-written) : EIO, "write");
    }
    offset += static_cast<uint64_t>(written);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status PartialFile::Read(uint64_t offset, absl::Span<uint8_t> out) const {
  ASSIGN_OR_RETURN(const Handle handle, Acquire());
  const int64_t got = base::ReadFully(handle.fd(), out, offset);
  if (got == static_cast<int64_t>(out.size())) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(partial_path_, ": can't read ", out.size(),
                   " bytes back from ", offset, ": ",
                   got < 0 ? std::strerror(static_cast<int>(-got))
                           : "the file has become shorter"));
}

absl::Status PartialFile::Sync() {
  ASSIGN_OR_RETURN(const Handle handle, Acquire());
  return SyncDescriptor(handle.fd(), partial_path_, *options_.ops);
}

void PartialFile::StartWriteback() {
  const absl::StatusOr<Handle> handle = Acquire();
  if (handle.ok()) options_.ops->StartWriteback(handle->fd());
}

absl::Status PartialFile::Rename() {
  const int result =
      options_.ops->Rename(partial_path_, path_, options_.overwrite);
  if (result == -EEXIST) {
    return absl::AlreadyExistsError(absl::StrCat(
        path_, " has appeared meanwhile and overwriting was not asked for"));
  }
  return result < 0 ? Error(-result, "rename") : absl::OkStatus();
}

void PartialFile::Remove() { unlink(partial_path_.c_str()); }

absl::Status SyncDescriptor(int fd, absl::string_view path, FileOps& ops) {
  const int error = -ops.Sync(fd);
  // Some file systems have no such thing; then there is nothing to do.
  if (error == 0 || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP) {
    return absl::OkStatus();
  }
  return base::FileError(error, "sync", path);
}

absl::Status SyncDirectory(const std::string& directory, FileOps& ops) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return base::FileError(errno, "open", directory);
  absl::Status status = SyncDescriptor(fd, directory, ops);
  close(fd);
  return status;
}

}  // namespace make_gguf
