#include "converters/vocab/tokenizer_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

std::string PathOf(const std::string& directory, absl::string_view name) {
  return (std::filesystem::path(directory) / std::string(name)).string();
}

}  // namespace

bool IsThere(const std::string& directory, absl::string_view name) {
  struct stat info;
  return lstat(PathOf(directory, name).c_str(), &info) == 0 ||
         (errno != ENOENT && errno != ENOTDIR);
}

absl::StatusOr<nlohmann::json> ReadJsonObject(const std::string& directory,
                                              absl::string_view name,
                                              const base::JsonLimits& limits,
                                              base::JsonOrder* order) {
  const std::string path = PathOf(directory, name);
  absl::StatusOr<nlohmann::json> parsed =
      base::ReadJsonFile(path, limits, order);
  if (absl::IsNotFound(parsed.status())) return nlohmann::json();
  if (parsed.ok() && !parsed->is_object()) {
    return absl::DataLossError(absl::StrCat(
        path, ": expected a JSON object, found ", parsed->type_name()));
  }
  return parsed;
}

absl::StatusOr<TokenizerFiles> ReadTokenizerFiles(
    const std::string& directory, const nlohmann::json& config) {
  TokenizerFiles files;
  files.directory = directory;
  files.config = &config;
  ASSIGN_OR_RETURN(files.tokenizer, ReadJsonObject(directory, "tokenizer.json",
                                                   base::kLargeJson));
  ASSIGN_OR_RETURN(
      files.tokenizer_config,
      ReadJsonObject(directory, "tokenizer_config.json", base::kSmallJson,
                     &files.tokenizer_config_order));
  ASSIGN_OR_RETURN(
      files.special_tokens_map,
      ReadJsonObject(directory, "special_tokens_map.json", base::kSmallJson,
                     &files.special_tokens_map_order));
  ASSIGN_OR_RETURN(files.added_tokens,
                   ReadJsonObject(directory, "added_tokens.json"));
  return files;
}

}  // namespace vocab
