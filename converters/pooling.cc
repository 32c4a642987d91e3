#include "converters/pooling.h"

#include <filesystem>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

bool IsTrue(const json& config, const char* key) {
  const auto value = config.find(key);
  return value != config.end() && value->is_boolean() && value->get<bool>();
}

std::string Text(const json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto value = object.find(key);
  return value != object.end() && value->is_string() ? value->get<std::string>()
                                                     : "";
}

std::optional<Pooling> ByConfig(const json& config) {
  if (!config.is_object()) return std::nullopt;
  const std::string mode = Text(config, "pooling_mode");
  if (IsTrue(config, "pooling_mode_mean_tokens")) return Pooling::kMean;
  if (IsTrue(config, "pooling_mode_cls_token")) return Pooling::kCls;
  if (IsTrue(config, "pooling_mode_lasttoken")) return Pooling::kLast;
  if (mode == "mean") return Pooling::kMean;
  if (mode == "cls") return Pooling::kCls;
  if (mode == "lasttoken") return Pooling::kLast;
  return std::nullopt;
}

// The folder of the pooling module, if modules.json names one within the
// checkpoint.
std::optional<std::string> PoolingFolder(const json& modules) {
  if (!modules.is_array()) return std::nullopt;
  for (const json& module : modules) {
    if (!absl::EndsWith(Text(module, "type"), "Pooling")) continue;
    const std::string folder = Text(module, "path");
    if (absl::StrContains(folder, "..") || absl::StartsWith(folder, "/")) {
      return std::nullopt;
    }
    return folder;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::optional<Pooling>> ReadPooling(
    const std::string& directory) {
  const std::string modules_path = directory + "/modules.json";
  if (std::filesystem::exists(modules_path)) {
    ASSIGN_OR_RETURN(const json modules, base::ReadJsonFile(modules_path));
    const std::optional<std::string> folder = PoolingFolder(modules);
    if (!folder.has_value()) return std::nullopt;
    const std::string path =
        absl::StrCat(directory, "/", *folder, "/config.json");
    ASSIGN_OR_RETURN(const json config, base::ReadJsonFile(path));
    const std::optional<Pooling> pooling = ByConfig(config);
    if (pooling.has_value()) return pooling;
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": the pooling is none of mean, cls and lasttoken"));
  }
  const std::string path = directory + "/embedding_config.json";
  if (!std::filesystem::exists(path)) return std::nullopt;
  ASSIGN_OR_RETURN(const json config, base::ReadJsonFile(path));
  if (Text(config, "pooling") == "last_token") return Pooling::kLast;
  return std::nullopt;
}

absl::Status AddPooling(const std::string& directory,
                        absl::string_view architecture, gguf::Metadata& keys) {
  ASSIGN_OR_RETURN(const std::optional<Pooling> pooling,
                   ReadPooling(directory));
  if (pooling.has_value()) {
    keys.Set(absl::StrCat(architecture, ".pooling_type"),
             static_cast<uint32_t>(*pooling));
  }
  return absl::OkStatus();
}

}  // namespace converters
