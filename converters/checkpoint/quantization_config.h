// File: converters/checkpoint/quantization_config.h
//
// What config.json's quantization_config says about how a checkpoint's weights
// are scaled.

#ifndef CONVERTERS_CHECKPOINT_QUANTIZATION_CONFIG_H_
#define CONVERTERS_CHECKPOINT_QUANTIZATION_CONFIG_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json_fwd.hpp"

namespace checkpoint {

struct ScalingScheme {
  // A tensor whose name ends in `scale` scales the one whose name ends in
  // `weight` instead.
  struct Suffixes {
    absl::string_view scale;
    absl::string_view weight;
  };
  std::vector<Suffixes> scales;
  // Ends of the names of tensors that weights have no use for.
  std::vector<absl::string_view> ignored;
  // Elements that share a scale, in the last dimensions of the scale; empty for
  // scales that are not blockwise.
  std::vector<uint64_t> block;
  // A scale without a weight is of no use, rather than an error.
  bool allows_lone_scales = false;
};

// Nullopt if `config`, a whole config.json, has no quantization_config.
// Errors: Unimplemented and InvalidArgument, as in dequantize.h.
absl::StatusOr<std::optional<ScalingScheme>> ReadScalingScheme(
    const nlohmann::json& config);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_QUANTIZATION_CONFIG_H_
