// File: base/testing/temp_dir.h
//
// A directory for one test, removed with it; and looks at what is in it.

#ifndef BASE_TESTING_TEMP_DIR_H_
#define BASE_TESTING_TEMP_DIR_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace base {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(absl::string_view name) const;

 private:
  std::string path_;
};

// The contents of a file, links followed; "(none)" if there is none.
std::string Contents(const std::string& path);

// Makes the directories that are needed and the file.
void WriteContents(const std::string& path, absl::string_view contents);

// The target of a symbolic link; "(no link)" if it is none.
std::string LinkOf(const std::string& path);

// Paths of all files and links below, relative to `directory`, in order.
std::vector<std::string> FilesBelow(const std::string& directory);

}  // namespace base

#endif  // BASE_TESTING_TEMP_DIR_H_
