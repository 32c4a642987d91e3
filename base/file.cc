#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"

namespace base {
namespace {

absl::Span<const uint8_t> Bytes(absl::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Hands all of `bytes` to `write`, a system call that may take only a part.
template <typename Write>
absl::Status WriteAll(absl::Span<const uint8_t> bytes, absl::string_view path,
                      Write write) {
  while (!bytes.empty()) {
    const ssize_t written = write(bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      return FileError(written < 0 ? errno : EIO, "write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status Flush(int fd, absl::string_view path) {
  while (fsync(fd) != 0) {
    if (errno == EINTR) continue;
    if (errno == EINVAL || errno == EROFS) break;
    return FileError(errno, "flush", path);
  }
  return absl::OkStatus();
}

// A link to a file that is not there is something else than nothing.
absl::Status OpenError(int error, const std::string& path) {
  struct stat info;
  if (error == ENOENT && lstat(path.c_str(), &info) == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path,
                     " is a link to a file that is not there. Get that file, "
                     "or remove the link"));
  }
  return FileError(error, "open", path);
}

}  // namespace

absl::Status FileError(int error_number, absl::string_view action,
                       absl::string_view path) {
  const std::string what = absl::StrCat("cannot ", action, " ", path);
  const absl::Status plain = absl::ErrnoToStatus(error_number, what);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(absl::StrCat(
          what,
          ": no space left. What is there stays; free space or use another "
          "disk, and run again"));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(absl::StrCat(
          plain.message(),
          ". Make it accessible, or use another directory that is"));
    default:
      if (!absl::IsInvalidArgument(plain)) return plain;
      return absl::FailedPreconditionError(plain.message());
  }
}

absl::StatusOr<std::unique_ptr<InputFile>> InputFile::Open(
    absl::string_view path, const ReadOptions& options) {
  const std::string name(path);
  const int fd =
      open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK |
                             (options.follow_links ? 0 : O_NOFOLLOW));
  if (fd < 0) return OpenError(errno, name);
  auto file = absl::WrapUnique(new InputFile(path, fd));
  if (fstat(fd, &file->info_) != 0) return FileError(errno, "inspect", path);
  if (!S_ISREG(file->info_.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is not a regular file"));
  }
  return file;
}

InputFile::~InputFile() { close(fd_); }

absl::Status InputFile::ReadAt(uint64_t offset, absl::Span<uint8_t> out) const {
  const int64_t got = ReadFully(fd_, out, offset);
  if (got == static_cast<int64_t>(out.size())) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      path_, ": can't read ", out.size(), " bytes at ", offset, ": ",
      got < 0 ? std::strerror(static_cast<int>(-got))
              : "the file ends before"));
}

void InputFile::Prefetch(uint64_t offset, uint64_t size) const {
  posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(size),
                POSIX_FADV_WILLNEED);
}

absl::StatusOr<std::string> ReadFile(absl::string_view path, uint64_t max_bytes,
                                     const ReadOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<InputFile> file,
                   InputFile::Open(path, options));
  const auto too_large = [&](absl::string_view size) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": ", size, " bytes, expected at most ", max_bytes));
  };
  if (file->size() > max_bytes) return too_large(absl::StrCat(file->size()));
  // Its size is a hint: what the system makes up (/proc) says 0, and a file may
  // grow or shrink meanwhile. One byte more than that shows its end.
  std::string contents;
  size_t room = std::max<uint64_t>(file->size(), 4096) + 1;
  while (true) {
    const size_t done = contents.size();
    contents.resize(done + room);
    const int64_t got = ReadFully(
        file->fd(), {reinterpret_cast<uint8_t*>(contents.data()) + done, room},
        done);
    if (got < 0) return FileError(static_cast<int>(-got), "read", path);
    contents.resize(done + static_cast<size_t>(got));
    if (contents.size() > max_bytes) return too_large("more");
    if (static_cast<size_t>(got) < room) return contents;
    room = contents.size();
  }
}

std::optional<uint64_t> FileSize(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::nullopt;
  }
  return static_cast<uint64_t>(info.st_size);
}

bool IsFileAt(int fd, const std::string& path) {
  struct stat held;
  struct stat named;
  return fstat(fd, &held) == 0 && stat(path.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

std::string DirectoryOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return std::string(path.substr(0, std::max<size_t>(slash, 1)));
}

int64_t ReadFully(int fd, absl::Span<uint8_t> out, uint64_t offset) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = pread(fd, out.data() + done, out.size() - done,
                              static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return static_cast<int64_t>(done);
}

absl::Status WriteFullyAt(int fd, absl::Span<const uint8_t> bytes,
                          uint64_t offset, absl::string_view path) {
  const uint64_t end = offset + bytes.size();
  return WriteAll(bytes, path, [&](absl::Span<const uint8_t> rest) {
    return pwrite(fd, rest.data(), rest.size(),
                  static_cast<off_t>(end - rest.size()));
  });
}

absl::Status WriteFully(int fd, absl::string_view text,
                        absl::string_view path) {
  return WriteAll(Bytes(text), path, [&](absl::Span<const uint8_t> rest) {
    return write(fd, rest.data(), rest.size());
  });
}

std::string TemporaryName(absl::string_view path) {
  static std::atomic<int> counter{0};
  return absl::StrCat(path, ".", getpid(), "-", counter.fetch_add(1), ".tmp");
}

absl::Status ReplaceFile(const std::string& path, absl::string_view contents,
                         const ReplaceOptions& options) {
  const std::string temporary = TemporaryName(path);
  const int fd =
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return FileError(errno, "write", path);
  auto remover = absl::MakeCleanup([&] { unlink(temporary.c_str()); });
  absl::Status status = WriteFully(fd, contents, path);
  if (status.ok() && options.flush) status = Flush(fd, path);
  if (close(fd) != 0 && status.ok()) status = FileError(errno, "write", path);
  RETURN_IF_ERROR(status);
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return FileError(errno, "write", path);
  }
  std::move(remover).Cancel();
  return options.flush ? FlushFile(DirectoryOf(path)) : absl::OkStatus();
}

absl::Status FlushFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError(errno, "open", path);
  const absl::Status status = Flush(fd, path);
  close(fd);
  return status;
}

void StartWriteback(int fd, uint64_t begin, uint64_t end) {
  sync_file_range(fd, static_cast<off64_t>(begin),
                  static_cast<off64_t>(end == 0 ? 0 : end - begin),
                  SYNC_FILE_RANGE_WRITE);
}

}  // namespace base
