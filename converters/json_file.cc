#include "converters/json_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 128;

// Nesting is checked before the parser sees the text: values are destroyed
// recursively, so that depth costs stack.
bool NestsTooDeep(const std::string& text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

// What the parser says, without its own numbering and without all of a long
// value that it quotes.
std::string Reason(const json::exception& error) {
  constexpr size_t kLongest = 200;
  absl::string_view what = error.what();
  what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
  return absl::StrCat(what.substr(0, kLongest),
                      what.size() > kLongest ? "..." : "");
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path,
                                         uint64_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": open"));
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

absl::StatusOr<json> ReadJsonFile(const std::string& path, uint64_t max_bytes) {
  const absl::StatusOr<std::string> text = ReadTextFile(path, max_bytes);
  if (!text.ok()) return text.status();
  if (NestsTooDeep(*text)) {
    return absl::DataLossError(
        absl::StrCat(path, ": JSON nested deeper than ", kMaxDepth,
                     " levels; no file of a checkpoint is"));
  }
  try {
    return json::parse(*text);
  } catch (const json::exception& error) {
    return absl::DataLossError(absl::StrCat(path,
                                            ": not valid JSON: ", Reason(error),
                                            "; mend it or download it again"));
  }
}

}  // namespace converters
