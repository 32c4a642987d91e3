#include "converters/json_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

absl::Status OpenError(int error, const std::string& path) {
  struct stat info;
  if (error == ENOENT && lstat(path.c_str(), &info) == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": a link to a file that is not there; download it again"));
  }
  return absl::ErrnoToStatus(error, absl::StrCat(path, ": open"));
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path,
                                         uint64_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return OpenError(errno, path);
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  struct stat info;
  if (fstat(fd, &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": stat"));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": not a regular file"));
  }
  if (static_cast<uint64_t>(info.st_size) > max_bytes) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": ", info.st_size, " bytes, expected at most ", max_bytes));
  }
  std::string content(info.st_size, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t n = read(fd, content.data() + size, content.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": read"));
    if (n == 0) break;  // it has become shorter meanwhile
    size += n;
  }
  content.resize(size);
  return content;
}

absl::StatusOr<nlohmann::json> ReadJsonFile(const std::string& path,
                                            const base::JsonLimits& limits,
                                            base::JsonOrder* order) {
  const absl::StatusOr<std::string> text = ReadTextFile(path, limits.bytes);
  if (!text.ok()) return text.status();
  return base::ParseJson(*text, path, limits, order);
}

}  // namespace converters
