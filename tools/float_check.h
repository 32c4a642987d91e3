// File: tools/float_check.h
//
// Finds weights that can't be quantized.

#ifndef TOOLS_FLOAT_CHECK_H_
#define TOOLS_FLOAT_CHECK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"

namespace make_gguf {

// The largest magnitude among `values`, as the bits of a float without its
// sign: such bits compare like the magnitudes, with infinity above all numbers
// and NaN above infinity.
uint32_t LargestMagnitude(absl::Span<const float> values);

// Bits, as above, of infinity and of the least magnitude that F16 rounds to
// infinity (65520).
inline constexpr uint32_t kInfinityBits = 0x7F800000;
inline constexpr uint32_t kF16OverflowBits = 0x477FF000;

// Names the first value with magnitude bits >= `limit` among `values`, which
// are weights [first, first + values.size()) of `tensor`: file, source tensor,
// row, column, and what it is. There must be one.
absl::Status DescribeBadWeight(const converters::TensorPlan& tensor,
                               const converters::TensorSource& source,
                               uint64_t first, absl::Span<const float> values,
                               uint32_t limit);

}  // namespace make_gguf

#endif  // TOOLS_FLOAT_CHECK_H_
