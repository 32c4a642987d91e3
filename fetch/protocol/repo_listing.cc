#include "fetch/protocol/repo_listing.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "fetch/protocol/repo_path.h"
#include "nlohmann/json.hpp"

namespace fetch {

bool IsLowerHex(absl::string_view text, size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

std::string TextOf(const nlohmann::json& object, absl::string_view key) {
  const std::string* text = base::StringMember(object, key);
  return text == nullptr ? "" : *text;
}

absl::Status ValidateRepoFile(const RepoFile& file) {
  RETURN_IF_ERROR(ValidateRepoPath(file.path));
  if (!IsLowerHex(file.blob_id, 40) ||
      !(file.lfs_sha256.empty() || IsLowerHex(file.lfs_sha256, 64)) ||
      file.size > std::numeric_limits<int64_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the hub lists ", file.path,
        " with an impossible hash or size, so it could not be verified"));
  }
  return absl::OkStatus();
}

}  // namespace fetch
