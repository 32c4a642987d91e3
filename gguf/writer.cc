#include "gguf/writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "gguf/file_ops.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"

namespace gguf {
namespace {

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Whether `fd` is still the file that `path` names: a writer that was dropped
// between our open and our lock has removed it.
bool IsFileAt(int fd, const std::string& path) {
  struct stat opened;
  struct stat named;
  return fstat(fd, &opened) == 0 && stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// Reads up to bytes.size() bytes; fewer only at the end of the file. -errno on
// error.
int64_t ReadFully(int fd, absl::Span<uint8_t> bytes, uint64_t offset) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = pread(fd, bytes.data() + done, bytes.size() - done,
                            static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -errno;
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return static_cast<int64_t>(done);
}

// Whether an error of a sync says that the file system has no such thing; then
// there is nothing to do.
bool CannotSync(int error) {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

}  // namespace

std::string PartialPath(absl::string_view path) {
  return absl::StrCat(path, ".partial");
}

absl::StatusOr<std::unique_ptr<Writer>> Writer::Create(
    absl::string_view path, const Metadata& metadata,
    std::vector<TensorInfo> tensors, const WriterOptions& options) {
  absl::StatusOr<Layout> layout = PlanLayout(metadata, tensors);
  if (!layout.ok()) {
    return absl::Status(layout.status().code(),
                        absl::StrCat(path, ": ", layout.status().message()));
  }
  auto writer = std::unique_ptr<Writer>(
      new Writer(path, std::move(tensors), *std::move(layout), options));
  if (absl::Status status = writer->Open(); !status.ok()) return status;
  writer->opened_ = true;
  return writer;
}

Writer::Writer(absl::string_view path, std::vector<TensorInfo> tensors,
               Layout layout, const WriterOptions& options)
    : path_(path),
      partial_path_(PartialPath(path)),
      tensors_(std::move(tensors)),
      layout_(std::move(layout)),
      options_(options),
      written_(tensors_.size()) {}

Writer::~Writer() {
  if (fd_ < 0) return;
  const bool keep = options_.keep_partial && (opened_ || resumed_);
  // Still locked: no other writer can have taken the file over.
  if (!committed_ && !keep) unlink(partial_path_.c_str());
  close(fd_);
}

absl::Status Writer::Error(int error, absl::string_view action) const {
  if (error == ENOSPC || error == EDQUOT) {
    return absl::ResourceExhaustedError(absl::StrCat(
        partial_path_, ": ", action, ": no space left on the device (the file ",
        "needs ", layout_.file_size, " bytes, ",
        options_.ops->AvailableBytes(fd_), " are available)"));
  }
  return absl::ErrnoToStatus(error, absl::StrCat(partial_path_, ": ", action));
}

absl::Status Writer::Open() {
  struct stat existing;
  if (!options_.overwrite && lstat(path_.c_str(), &existing) == 0) {
    return absl::AlreadyExistsError(
        absl::StrCat(path_, " exists and overwriting was not asked for"));
  }
  while (fd_ < 0) {
    const int fd =
        open(partial_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return Error(errno, "can't create");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      close(fd);
      return absl::FailedPreconditionError(
          absl::StrCat(partial_path_, " is being written by another process"));
    }
    if (IsFileAt(fd, partial_path_)) {
      fd_ = fd;
    } else {
      close(fd);
    }
  }
  if (options_.resume) {
    absl::StatusOr<bool> same = HoldsSameHeader();
    if (!same.ok()) return same.status();
    resumed_ = *same;
  }
  if (!resumed_ && ftruncate(fd_, 0) != 0) return Error(errno, "can't empty");
  if (absl::Status status = Reserve(); !status.ok()) return status;
  if (resumed_) return absl::OkStatus();
  return WriteAt(0, layout_.header);
}

absl::StatusOr<bool> Writer::HoldsSameHeader() const {
  struct stat file;
  if (fstat(fd_, &file) != 0) return Error(errno, "can't inspect");
  if (static_cast<uint64_t>(file.st_size) != layout_.file_size) return false;
  std::vector<uint8_t> header(layout_.header.size());
  const int64_t got = ReadFully(fd_, absl::MakeSpan(header), 0);
  if (got < 0) return Error(static_cast<int>(-got), "can't read the header");
  return header == layout_.header;
}

absl::Status Writer::Reserve() {
  const int result = options_.ops->Reserve(fd_, layout_.file_size);
  if (result < 0) return Error(-result, "can't reserve space");
  return absl::OkStatus();
}

absl::Status Writer::CheckRange(size_t tensor, uint64_t offset,
                                uint64_t size) const {
  if (tensor >= tensors_.size()) {
    return absl::OutOfRangeError(absl::StrCat(path_, ": tensor number ", tensor,
                                              " of ", tensors_.size()));
  }
  const uint64_t bytes = layout_.tensors[tensor].bytes;
  if (offset > bytes || size > bytes - offset) {
    return absl::OutOfRangeError(absl::StrCat(
        path_, ": tensor '", tensors_[tensor].name, "' has ", bytes, " bytes; ",
        size, " bytes at ", offset, " lie outside"));
  }
  return absl::OkStatus();
}

absl::Status Writer::WriteAt(uint64_t offset, absl::Span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const int64_t written = options_.ops->Write(fd_, bytes, offset);
    if (written <= 0) {
      return Error(written < 0 ? static_cast<int>(-written) : EIO,
                   "can't write");
    }
    offset += static_cast<uint64_t>(written);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status Writer::Write(size_t tensor, uint64_t offset,
                           absl::Span<const uint8_t> bytes) {
  if (absl::Status status = CheckRange(tensor, offset, bytes.size());
      !status.ok()) {
    return status;
  }
  absl::Status status = WriteAt(layout_.FileOffset(tensor) + offset, bytes);
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat(status.message(), " (tensor '",
                                     tensors_[tensor].name, "')"));
  }
  absl::MutexLock lock(&mutex_);
  written_[tensor].Add({offset, offset + bytes.size()});
  return absl::OkStatus();
}

absl::Status Writer::WriteRows(size_t tensor, uint64_t first_row,
                               absl::Span<const uint8_t> rows) {
  if (absl::Status status = CheckRange(tensor, 0, 0); !status.ok()) {
    return status;
  }
  const TensorInfo& info = tensors_[tensor];
  const uint64_t row_bytes = *RowBytes(info.type, info.shape[0]);
  const uint64_t row_count = layout_.tensors[tensor].bytes / row_bytes;
  if (first_row > row_count || rows.size() % row_bytes != 0) {
    return absl::OutOfRangeError(
        absl::StrCat(path_, ": tensor '", info.name, "' has ", row_count,
                     " rows of ", row_bytes, " bytes; ", rows.size(),
                     " bytes for row ", first_row, " are not rows of it"));
  }
  return Write(tensor, first_row * row_bytes, rows);
}

absl::Status Writer::MarkWritten(size_t tensor, uint64_t offset,
                                 uint64_t size) {
  if (!resumed_) {
    return absl::FailedPreconditionError(absl::StrCat(
        partial_path_, " was begun anew: it holds nothing from earlier"));
  }
  if (absl::Status status = CheckRange(tensor, offset, size); !status.ok()) {
    return status;
  }
  absl::MutexLock lock(&mutex_);
  written_[tensor].Add({offset, offset + size});
  return absl::OkStatus();
}

absl::Status Writer::ReadBack(size_t tensor, uint64_t offset,
                              absl::Span<uint8_t> bytes) const {
  if (absl::Status status = CheckRange(tensor, offset, bytes.size());
      !status.ok()) {
    return status;
  }
  const int64_t got =
      ReadFully(fd_, bytes, layout_.FileOffset(tensor) + offset);
  if (got != static_cast<int64_t>(bytes.size())) {
    return absl::DataLossError(absl::StrCat(
        partial_path_, ": tensor '", tensors_[tensor].name, "': can't read ",
        bytes.size(), " bytes back from ", offset, ": ",
        got < 0 ? std::strerror(static_cast<int>(-got))
                : "the file has become shorter"));
  }
  return absl::OkStatus();
}

absl::Status Writer::Sync() {
  const int result = options_.ops->Sync(fd_);
  if (result < 0 && !CannotSync(-result)) return Error(-result, "can't sync");
  return absl::OkStatus();
}

void Writer::StartWriteback() { options_.ops->StartWriteback(fd_); }

absl::Status Writer::CheckComplete() const {
  absl::MutexLock lock(&mutex_);
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const uint64_t gap = written_[i].RunEnd(0);
    if (gap != layout_.tensors[i].bytes) {
      return absl::FailedPreconditionError(absl::StrCat(
          path_, ": tensor '", tensors_[i].name, "' is incomplete: byte ", gap,
          " of ", layout_.tensors[i].bytes, " was never written"));
    }
  }
  return absl::OkStatus();
}

absl::Status Writer::SyncDirectory() const {
  const std::string directory = DirectoryOf(path_);
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(directory, ": can't open"));
  }
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  const int result = options_.ops->Sync(fd);
  if (result < 0 && !CannotSync(-result)) {
    return absl::ErrnoToStatus(-result,
                               absl::StrCat(directory, ": can't sync"));
  }
  return absl::OkStatus();
}

absl::Status Writer::Commit() {
  if (committed_) {
    return absl::FailedPreconditionError(
        absl::StrCat(path_, " is already committed"));
  }
  if (absl::Status status = CheckComplete(); !status.ok()) return status;
  if (absl::Status status = Sync(); !status.ok()) return status;
  const int result =
      options_.ops->Rename(partial_path_, path_, options_.overwrite);
  if (result == -EEXIST) {
    return absl::AlreadyExistsError(absl::StrCat(
        path_, " has appeared meanwhile and overwriting was not asked for"));
  }
  if (result < 0) {
    return Error(-result, absl::StrCat("can't rename to ", path_));
  }
  committed_ = true;
  return SyncDirectory();
}

}  // namespace gguf
