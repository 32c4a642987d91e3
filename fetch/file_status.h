// File: fetch/file_status.h
//
// Failures of the file system as statuses that say what to do.

#ifndef FETCH_FILE_STATUS_H_
#define FETCH_FILE_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fetch {

// "cannot ACTION PATH: reason" for an errno. ResourceExhausted when the disk
// or quota is full, PermissionDenied when access is refused or the file system
// is read-only; both name the way out.
absl::Status FileError(int error_number, absl::string_view action,
                       absl::string_view path);

}  // namespace fetch

#endif  // FETCH_FILE_STATUS_H_
