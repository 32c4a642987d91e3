#include "converters/registry.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/baichuan/baichuan.h"
#include "converters/converter.h"
#include "converters/falcon/falcon.h"
#include "converters/gptneox/gptneox.h"
#include "converters/llama/llama.h"
#include "converters/starcoder/starcoder.h"
#include "converters/starcoder2/starcoder2.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

// The first entry of config.json's `architectures`; empty if there is none.
std::string Architecture(const json& config) {
  if (!config.is_object()) return "";
  const auto list = config.find("architectures");
  if (list == config.end() || !list->is_array() || list->empty() ||
      !list->front().is_string()) {
    return "";
  }
  return list->front().get<std::string>();
}

const Converter* ByHuggingFaceName(absl::string_view name) {
  for (const Converter* converter : AllConverters()) {
    const auto names = converter->huggingface_names();
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      return converter;
    }
  }
  return nullptr;
}

const Converter* ByName(absl::string_view name) {
  for (const Converter* converter : AllConverters()) {
    if (absl::EqualsIgnoreCase(converter->name(), name)) return converter;
  }
  return ByHuggingFaceName(name);
}

std::string Known() {
  std::vector<std::string> lines;
  for (const Converter* converter : AllConverters()) {
    lines.push_back(
        absl::StrCat(converter->name(), " (",
                     absl::StrJoin(converter->huggingface_names(), ", "), ")"));
  }
  return absl::StrJoin(lines, ", ");
}

}  // namespace

absl::Span<const Converter* const> AllConverters() {
  static const Converter* const kConverters[] = {
      &LlamaConverter(),  &StarcoderConverter(), &Starcoder2Converter(),
      &FalconConverter(), &BaichuanConverter(),  &GptNeoxConverter(),
  };
  return kConverters;
}

absl::StatusOr<const Converter*> FindConverter(const json& config,
                                               absl::string_view model_type) {
  const std::string architecture = Architecture(config);
  const Converter* wanted = nullptr;
  if (!model_type.empty()) {
    wanted = ByName(model_type);
    if (wanted == nullptr) {
      return absl::NotFoundError(absl::StrCat(
          "model_type ", model_type, " is unknown; known are ", Known()));
    }
  }
  if (architecture.empty()) {
    if (wanted != nullptr) return wanted;
    return absl::InvalidArgumentError(
        absl::StrCat("config.json names no architecture (`architectures`); say "
                     "which it is with --model_type; known are ",
                     Known()));
  }
  const Converter* found = ByHuggingFaceName(architecture);
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat("config.json: architecture ",
                                            architecture,
                                            " is not supported; known "
                                            "are ",
                                            Known()));
  }
  if (wanted != nullptr && wanted != found) {
    return absl::InvalidArgumentError(
        absl::StrCat("model_type is ", model_type, ", but config.json says ",
                     architecture, ", which is ", found->name()));
  }
  return found;
}

}  // namespace converters
