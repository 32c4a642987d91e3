#include "fetch/protocol/repo_path.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/printable.h"
#include "base/status_macros.h"

namespace fetch {
namespace {

constexpr size_t kMaxPart = 255;
constexpr size_t kMaxPath = 2048;

// Why a part of a path is refused; empty if it is fine.
absl::string_view PartProblem(absl::string_view part) {
  if (part.empty()) return "an empty part";
  if (part == "." || part == "..") return "a '.' or '..' part";
  if (part.size() > kMaxPart) return "a part of more than 255 bytes";
  if (part.size() >= 2 && absl::ascii_isalpha(part[0]) && part[1] == ':') {
    return "a drive letter";
  }
  for (unsigned char c : part) {
    if (c < 0x20 || c == 0x7f) return "a control character";
    if (c == '\\') return "a backslash";
  }
  return "";
}

absl::Status Refuse(absl::string_view path, absl::string_view reason) {
  return absl::InvalidArgumentError(
      absl::StrCat("the repository lists a file '", base::Printable(path),
                   "', which is refused: ", reason));
}

absl::Status MakeDirectories(const std::string& root) {
  for (size_t slash = root.find('/', 1);; slash = root.find('/', slash + 1)) {
    const std::string prefix = root.substr(0, slash);
    if (mkdir(prefix.c_str(), 0777) != 0 && errno != EEXIST) {
      return base::FileError(errno, "make the directory", prefix);
    }
    if (slash == std::string::npos) return absl::OkStatus();
  }
}

}  // namespace

absl::Status ValidateRepoPath(absl::string_view path) {
  if (path.size() > kMaxPath) return Refuse(path, "it is too long");
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  for (absl::string_view part : parts) {
    const absl::string_view problem = PartProblem(part);
    if (!problem.empty()) return Refuse(path, absl::StrCat("it has ", problem));
  }
  const std::string lower = absl::AsciiStrToLower(absl::StrCat(path, "/"));
  if (absl::StartsWith(lower, ".git/") ||
      absl::StartsWith(lower, ".cache/huggingface/")) {
    return Refuse(path, "clients keep their own files there");
  }
  return absl::OkStatus();
}

absl::Status MakeParentDirectories(const std::string& root,
                                   absl::string_view path) {
  RETURN_IF_ERROR(MakeDirectories(root));
  for (size_t slash = path.find('/'); slash != absl::string_view::npos;
       slash = path.find('/', slash + 1)) {
    const std::string directory =
        absl::StrCat(root, "/", path.substr(0, slash));
    struct stat info;
    if (mkdir(directory.c_str(), 0777) == 0) continue;
    if (errno != EEXIST) {
      return base::FileError(errno, "make the directory", directory);
    }
    if (lstat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
      return absl::InvalidArgumentError(absl::StrCat(
          directory,
          " is a symbolic link or a file where the repository has a "
          "directory; remove it and run again"));
    }
  }
  return absl::OkStatus();
}

}  // namespace fetch
