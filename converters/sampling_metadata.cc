#include "converters/sampling_metadata.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "gguf/metadata.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

struct Setting {
  absl::string_view key;  // after "general.sampling."
  gguf::ValueType type;
  absl::string_view source;  // in generation_config.json
  absl::string_view other_source = "";
};

constexpr Setting kSettings[] = {
    {"sequence", gguf::ValueType::kString, "sequence"},
    {"top_k", gguf::ValueType::kInt32, "top_k"},
    {"top_p", gguf::ValueType::kFloat32, "top_p"},
    {"min_p", gguf::ValueType::kFloat32, "min_p"},
    {"xtc_probability", gguf::ValueType::kFloat32, "xtc_probability"},
    {"xtc_threshold", gguf::ValueType::kFloat32, "xtc_threshold"},
    {"temp", gguf::ValueType::kFloat32, "temperature"},
    {"penalty_last_n", gguf::ValueType::kInt32, "penalty_last_n"},
    {"penalty_repeat", gguf::ValueType::kFloat32, "penalty_repeat",
     "repetition_penalty"},
    {"mirostat", gguf::ValueType::kInt32, "mirostat"},
    {"mirostat_tau", gguf::ValueType::kFloat32, "mirostat_tau"},
    {"mirostat_eta", gguf::ValueType::kFloat32, "mirostat_eta"},
};

std::optional<gguf::Value> ToValue(const json& value, gguf::ValueType type) {
  if (type == gguf::ValueType::kString) {
    if (!value.is_string()) return std::nullopt;
    return value.get<std::string>();
  }
  if (!value.is_number() && !value.is_boolean()) return std::nullopt;
  const double number =
      value.is_boolean() ? value.get<bool>() : value.get<double>();
  if (type == gguf::ValueType::kFloat32) {
    // Infinity and NaN, which Python writes, are values of a float as well.
    if (std::isfinite(number) &&
        std::abs(number) > std::numeric_limits<float>::max()) {
      return std::nullopt;
    }
    return static_cast<float>(number);
  }
  if (number != std::trunc(number) ||
      std::abs(number) > std::numeric_limits<int32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<int32_t>(number);
}

}  // namespace

gguf::Metadata SamplingMetadata(const std::string& directory,
                                std::vector<Warning>& warnings) {
  gguf::Metadata metadata;
  const absl::StatusOr<json> config =
      base::ReadJsonFile(absl::StrCat(directory, "/generation_config.json"));
  if (absl::IsNotFound(config.status())) return metadata;
  if (!config.ok() || !config->is_object()) {
    warnings.push_back({"generation-config-ignored",
                        absl::StrCat("generation_config.json: ignored: ",
                                     config.ok() ? "not a JSON object"
                                                 : config.status().message())});
    return metadata;
  }
  for (const Setting& setting : kSettings) {
    auto it = config->find(setting.source);
    if (it == config->end() && !setting.other_source.empty()) {
      it = config->find(setting.other_source);
    }
    if (it == config->end() || it->is_null() || *it == "") continue;
    const std::optional<gguf::Value> value = ToValue(*it, setting.type);
    if (value.has_value()) {
      metadata.Set(absl::StrCat("general.sampling.", setting.key), *value);
    } else {
      warnings.push_back(
          {"generation-setting-ignored",
           absl::StrCat("generation_config.json: ", setting.source, " is ",
                        base::ShowJson(*it), ", ignored")});
    }
  }
  return metadata;
}

}  // namespace converters
