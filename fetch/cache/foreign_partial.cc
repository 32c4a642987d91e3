#include "fetch/cache/foreign_partial.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace fetch {
namespace {

constexpr absl::string_view kSuffix = ".incomplete";
constexpr size_t kRandomDigits = 8;
// A directory of many small files is not searched again for each of them.
constexpr uint64_t kWorthASearch = uint64_t{1} << 20;

// The bytes of `path` before its first hole: a client that writes in several
// places at once leaves some. 0 if it is no part of a file of `size` bytes.
uint64_t FirstBytes(const std::string& path, uint64_t size) {
  const int fd =
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return 0;
  struct stat info;
  uint64_t bytes = 0;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
      static_cast<uint64_t>(info.st_size) <= size) {
    const off_t hole = lseek(fd, 0, SEEK_HOLE);
    bytes = static_cast<uint64_t>(
        hole < 0 ? info.st_size : std::min<off_t>(hole, info.st_size));
  }
  close(fd);
  return bytes;
}

// True for STEM.XXXXXXXX.incomplete.
bool HasRandomPart(absl::string_view name, absl::string_view stem) {
  return absl::ConsumePrefix(&name, stem) && absl::ConsumePrefix(&name, ".") &&
         absl::ConsumeSuffix(&name, kSuffix) && name.size() == kRandomDigits &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return absl::ascii_isxdigit(c); });
}

}  // namespace

ForeignPartial FindForeignPartial(const std::string& path, uint64_t size) {
  ForeignPartial best = {path, FirstBytes(path, size)};
  if (size < kWorthASearch) return best;
  const std::filesystem::path plain = path;
  const std::string name = plain.filename().string();
  const absl::string_view stem = absl::StripSuffix(name, kSuffix);
  std::error_code error;
  for (std::filesystem::directory_iterator entry(plain.parent_path(), error),
       end;
       !error && entry != end; entry.increment(error)) {
    const std::string found = entry->path().string();
    if (!HasRandomPart(entry->path().filename().string(), stem)) continue;
    const uint64_t bytes = FirstBytes(found, size);
    if (bytes > best.bytes) best = {found, bytes};
  }
  return best;
}

}  // namespace fetch
