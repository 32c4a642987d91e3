#include "converters/checkpoint/quantization_config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"

namespace checkpoint {
namespace {

using ::base::Member;
using ::nlohmann::json;

std::string Text(const json& object, absl::string_view key) {
  const std::string* text = base::StringMember(object, key);
  return text == nullptr ? "" : *text;
}

absl::Status Unsupported(absl::string_view what) {
  return absl::UnimplementedError(absl::StrCat(
      "config.json: the checkpoint is quantized (", what,
      "), in a way that cannot be read; convert the one it was made from"));
}

absl::Status Malformed(absl::string_view key, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat(
      "config.json: quantization_config's ", key, " is no ", expected));
}

// A list of two sizes, or the same as "128x128".
absl::StatusOr<std::vector<uint64_t>> ReadBlock(const json& value,
                                                absl::string_view key) {
  std::vector<uint64_t> block;
  if (value.is_null()) return block;
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    for (absl::string_view part : absl::StrSplit(text, 'x')) {
      if (!absl::SimpleAtoi(part, &block.emplace_back())) block.back() = 0;
    }
  } else if (value.is_array()) {
    for (const json& size : value) {
      block.push_back(size.is_number_unsigned() ? size.get<uint64_t>() : 0);
    }
  }
  if (block.size() != 2 || absl::c_linear_search(block, 0)) {
    return Malformed(key, "pair of sizes");
  }
  return block;
}

absl::StatusOr<ScalingScheme> ReadFp8(const json& quantization) {
  ScalingScheme scheme;
  ASSIGN_OR_RETURN(scheme.block,
                   ReadBlock(Member(quantization, "weight_block_size"),
                             "weight_block_size"));
  scheme.scales = {{"_scale_inv", ""}, {".qscale_weight", ".weight"}};
  scheme.ignored = {".activation_scale", "_activation_scale", ".qscale_act"};
  return scheme;
}

// What compressed-tensors and ModelOpt have in common.
ScalingScheme WeightScales() {
  ScalingScheme scheme;
  scheme.scales = {{".weight_scale", ".weight"}};
  scheme.ignored = {".input_scale", ".k_scale", ".v_scale"};
  return scheme;
}

absl::StatusOr<ScalingScheme> ReadCompressedTensors(const json& quantization) {
  const std::string format = Text(quantization, "format");
  if (format != "float-quantized" && format != "int-quantized" &&
      format != "naive-quantized") {
    return Unsupported(
        absl::StrCat("compressed-tensors, format ", base::Printable(format)));
  }
  const json& groups = Member(quantization, "config_groups");
  if (!groups.is_object() || groups.empty()) {
    return Malformed("config_groups", "object of groups");
  }
  if (groups.size() > 1) {
    return Unsupported("compressed-tensors, several config_groups");
  }
  const json& group = *groups.begin();
  const json& weights = Member(group, "weights");
  if (!group.is_object() || !weights.is_object()) {
    return Malformed("config_groups.*.weights", "object");
  }
  const std::string strategy = Text(weights, "strategy");
  if ((strategy != "tensor" && strategy != "channel" && strategy != "block") ||
      !Member(weights, "group_size").is_null()) {
    return Unsupported(absl::StrCat("compressed-tensors, strategy ",
                                    base::Printable(strategy)));
  }
  ScalingScheme scheme = WeightScales();
  ASSIGN_OR_RETURN(scheme.block, ReadBlock(Member(weights, "block_structure"),
                                           "block_structure"));
  return scheme;
}

absl::StatusOr<ScalingScheme> ReadModelOpt(const json& quantization) {
  const std::string algorithm = Text(quantization, "quant_algo");
  if (!algorithm.empty() && !absl::StartsWith(algorithm, "FP8")) {
    return Unsupported(
        absl::StrCat("modelopt, quant_algo ", base::Printable(algorithm)));
  }
  ScalingScheme scheme = WeightScales();
  scheme.allows_lone_scales = true;
  return scheme;
}

}  // namespace

absl::StatusOr<std::optional<ScalingScheme>> ReadScalingScheme(
    const json& config) {
  const json* quantization = &Member(config, "quantization_config");
  if (quantization->is_null()) {
    quantization =
        &Member(Member(config, "text_config"), "quantization_config");
  }
  if (quantization->is_null()) return std::nullopt;
  if (!quantization->is_object()) {
    return absl::InvalidArgumentError(
        "config.json: quantization_config is no object");
  }
  const json& method = Member(*quantization, "quant_method");
  if (method.is_null()) return std::nullopt;
  if (method == "fp8") return ReadFp8(*quantization);
  if (method == "compressed-tensors") {
    return ReadCompressedTensors(*quantization);
  }
  if (method == "modelopt") return ReadModelOpt(*quantization);
  return Unsupported(absl::StrCat("quant_method ", base::ShowJson(method)));
}

}  // namespace checkpoint
