// File: base/user_path.h
//
// Paths on the command line of a program that `bazel run` may have started.

#ifndef BASE_USER_PATH_H_
#define BASE_USER_PATH_H_

#include <string>

#include "absl/strings/string_view.h"

namespace base {

// `path` as the user meant it: relative to the directory in which the command
// was given. `bazel run` starts programs elsewhere and leaves that directory in
// the environment as BUILD_WORKING_DIRECTORY. Absolute unless `path` is empty.
std::string UserPath(absl::string_view path);

}  // namespace base

#endif  // BASE_USER_PATH_H_
