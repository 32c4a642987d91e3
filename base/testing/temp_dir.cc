#include "base/testing/temp_dir.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace base {
namespace {

namespace fs = std::filesystem;

}  // namespace

TempDir::TempDir() {
  const char* base = std::getenv("TEST_TMPDIR");
  path_ = absl::StrCat(base == nullptr ? "/tmp" : base, "/test-XXXXXX");
  if (mkdtemp(path_.data()) == nullptr) std::abort();
}

TempDir::~TempDir() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::string TempDir::operator/(absl::string_view name) const {
  return absl::StrCat(path_, "/", name);
}

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return "(none)";
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteContents(const std::string& path, absl::string_view contents) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
}

std::string LinkOf(const std::string& path) {
  std::error_code error;
  const fs::path target = fs::read_symlink(path, error);
  return error ? "(no link)" : target.string();
}

std::vector<std::string> FilesBelow(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->is_directory() && !entry->is_symlink()) continue;
    files.push_back(entry->path().string().substr(directory.size() + 1));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace base
