// File: converters/checkpoint/dequantize.h
//
// Checkpoints whose weights are stored in 8 bits with scales, as DeepSeek and
// others publish them, seen as if they held the weights themselves.

#ifndef CONVERTERS_CHECKPOINT_DEQUANTIZE_H_
#define CONVERTERS_CHECKPOINT_DEQUANTIZE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "converters/tensor_source.h"
#include "nlohmann/json_fwd.hpp"

namespace checkpoint {

// Returns `source` as it is if config.json, parsed as `config`, has no
// quantization_config. Else a source in which each weight that has a scale is
// read as F32(weight) * F32(scale), and which does not list the scales, nor
// those of activations and caches. It keeps the order, and each weight's name,
// shape and stored type; Read takes of the scales what the range needs.
//
// By quantization_config's quant_method, X.weight is scaled by:
//   fp8                 X.weight_scale_inv (which multiplies for all its name),
//                       one for each block of weight_block_size, or
//                       X.qscale_weight
//   compressed-tensors  X.weight_scale, in the formats float-quantized,
//                       int-quantized and naive-quantized with one group of
//                       strategy tensor, channel or block
//   modelopt            X.weight_scale
// A scale with fewer dimensions than its weight belongs to the first ones, and
// an extent of 1 to all of a dimension: [] or [1] scales a tensor, [rows] or
// [rows, 1] each row.
//
// Errors: Unimplemented, with its name, for any other method or layout (GPTQ,
// AWQ, MXFP4, NVFP4 …); InvalidArgument for a quantization_config that cannot
// be read; DataLoss for a scale without its weight or of a shape that does not
// fit.
absl::StatusOr<std::unique_ptr<converters::TensorSource>> Dequantize(
    std::unique_ptr<converters::TensorSource> source,
    const nlohmann::json& config);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_DEQUANTIZE_H_
