// File: converters/checkpoint/to_float.h
//
// Stored elements to floats, at about the memory's speed: the first step of
// every conversion. Vectorized by Highway, for the best instruction set of the
// CPU that it runs on.

#ifndef CONVERTERS_CHECKPOINT_TO_FLOAT_H_
#define CONVERTERS_CHECKPOINT_TO_FLOAT_H_

#include "absl/types/span.h"
#include "converters/checkpoint/element_type.h"

namespace checkpoint {

// Converts the out.size() elements of `type` that `stored` holds, in the file's
// byte order (little endian) and at any alignment, to floats.
// Exact for every type whose values F32 can hold: BOOL, U8, I8, I16, F8_E4M3,
// F8_E5M2, F8_E8M0, F16, BF16, F32 (infinities, signed zeros and denormals
// included; a NaN stays one). I32, I64 and F64 are rounded to nearest, ties to
// even, as PyTorch's .to(torch.float32) does; an F64 beyond F32's range becomes
// an infinity. Requires stored.size() == out.size() * ElementSize(type); the
// two do not overlap. Thread-safe.
void ToFloat(ElementType type, absl::Span<const char> stored,
             absl::Span<float> out);

// Multiplies each of `values` by `factor`, which scaled weights share, as
// PyTorch does in F32. Thread-safe.
void Multiply(float factor, absl::Span<float> values);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_TO_FLOAT_H_
