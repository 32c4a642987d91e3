#include "gguf/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gguf {

absl::StatusOr<std::unique_ptr<InputFile>> InputFile::Open(
    absl::string_view path) {
  const std::string name(path);
  // Non-blocking, so that a pipe gives an error and not a wait.
  const int fd = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(name, ": can't open"));
  }
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is not a regular file"));
  }
  return std::unique_ptr<InputFile>(
      new InputFile(name, fd, static_cast<uint64_t>(info.st_size)));
}

InputFile::InputFile(absl::string_view path, int fd, uint64_t size)
    : path_(path), fd_(fd), size_(size) {}

InputFile::~InputFile() { close(fd_); }

absl::Status InputFile::ReadAt(uint64_t offset, absl::Span<uint8_t> out) const {
  while (!out.empty()) {
    const ssize_t n =
        pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      return absl::DataLossError(absl::StrCat(
          path_, ": can't read ", out.size(), " bytes at ", offset, ": ",
          n < 0 ? std::strerror(errno) : "the file ends before"));
    }
    offset += static_cast<uint64_t>(n);
    out.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

void InputFile::Prefetch(uint64_t offset, uint64_t size) const {
  posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(size),
                POSIX_FADV_WILLNEED);
}

}  // namespace gguf
