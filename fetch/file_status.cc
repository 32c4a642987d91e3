#include "fetch/file_status.h"

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace fetch {

absl::Status FileError(int error_number, absl::string_view action,
                       absl::string_view path) {
  const std::string what = absl::StrCat("cannot ", action, " ", path);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(absl::StrCat(
          what,
          ": no space left. What is there stays; free space, or set HF_HOME or "
          "--cache_dir to another disk, and run again"));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(absl::StrCat(
          absl::ErrnoToStatus(error_number, what).message(),
          ". Make it writable, or set HF_HOME or --cache_dir to a directory "
          "that is"));
    default:
      return absl::ErrnoToStatus(error_number, what);
  }
}

}  // namespace fetch
