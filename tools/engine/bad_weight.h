// File: tools/engine/bad_weight.h
//
// What is wrong with a weight that can't be quantized.

#ifndef TOOLS_ENGINE_BAD_WEIGHT_H_
#define TOOLS_ENGINE_BAD_WEIGHT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"

namespace make_gguf {

// The error for weight number `weight` of `tensor`, whose value is `bad`: names
// its file, source tensor, row and column, what it is, and the way out.
absl::Status DescribeBadWeight(const converters::TensorPlan& tensor,
                               const converters::TensorSource& source,
                               uint64_t weight, float bad);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_BAD_WEIGHT_H_
