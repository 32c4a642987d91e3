// File: fetch/protocol/repo_path.h
//
// Guards against file names from a server: a name that could leave the target
// directory, or that no honest repository has, is refused before it is used.

#ifndef FETCH_PROTOCOL_REPO_PATH_H_
#define FETCH_PROTOCOL_REPO_PATH_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fetch {

// InvalidArgument unless `path` is a relative path of plain names: no empty,
// "." or ".." part, no backslash, drive letter or control character, no part
// over 255 bytes, and nothing below .git or .cache/huggingface, which clients
// own.
absl::Status ValidateRepoPath(absl::string_view path);

// Makes the directories of `root`/`path` up to the last "/", and `root` itself.
// Below `root`, a symbolic link or a file where a directory should be is
// refused. `path` must be valid as above.
absl::Status MakeParentDirectories(const std::string& root,
                                   absl::string_view path);

}  // namespace fetch

#endif  // FETCH_PROTOCOL_REPO_PATH_H_
