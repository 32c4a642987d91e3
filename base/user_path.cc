#include "base/user_path.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/string_view.h"

namespace base {

std::string UserPath(absl::string_view path) {
  const std::filesystem::path given((std::string(path)));
  if (path.empty() || given.is_absolute()) return std::string(path);
  const char* working = std::getenv("BUILD_WORKING_DIRECTORY");
  std::error_code error;
  const std::filesystem::path base = working != nullptr
                                         ? std::filesystem::path(working)
                                         : std::filesystem::current_path(error);
  return (base / given).lexically_normal().string();
}

}  // namespace base
