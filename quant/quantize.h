// File: quant/quantize.h
//
// Rows of floats to the block formats of GGUF and back. All functions are
// pure, allocate nothing, and may be called from any number of threads.
//
// Exactness: the bytes are those that ggml 0.27 (x86-64, no fused
// multiply-add) writes for the same floats. Importance weights follow the
// same library's importance-matrix path.

#ifndef QUANT_QUANTIZE_H_
#define QUANT_QUANTIZE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "gguf/tensor_type.h"

namespace quant {

// Whether QuantizeRows writes this type / DequantizeRows reads it.
bool CanQuantize(gguf::TensorType type);
bool CanDequantize(gguf::TensorType type);

// Quantizes rows.size() / row_size rows, each on its own.
//   rows        row-major, finite; rows.size() is a multiple of row_size
//   row_size    weights per row, a multiple of the type's block size
//   importance  empty, or row_size weights >= 0, one per column (an importance
//               matrix's mean squared activations); types without an
//               importance path ignore it
//   out         exactly gguf::RowBytes(type, row_size) bytes for each row
// Sizes that do not fit are a programming error and end the process.
void QuantizeRows(gguf::TensorType type, absl::Span<const float> rows,
                  size_t row_size, absl::Span<const float> importance,
                  absl::Span<uint8_t> out);

// The inverse: `rows` holds whole rows of `type`, `out` gets row_size floats
// for each.
void DequantizeRows(gguf::TensorType type, absl::Span<const uint8_t> rows,
                    size_t row_size, absl::Span<float> out);

// Rounds each value to the nearest F16 (ties to even) and back, as a pass
// through an F16 file does. In place.
void RoundToF16(absl::Span<float> values);

// The first magnitude that F16 rounds to infinity.
inline constexpr float kF16Overflow = 65520.0f;

// The index of the first value whose magnitude is not below `limit`, or nullopt
// if there is none. NaN is not below anything, so with infinity this finds what
// is not finite. Many times faster than any type is quantized: call it for each
// chunk before QuantizeRows.
std::optional<size_t> FindNotBelow(float limit, absl::Span<const float> values);

}  // namespace quant

#endif  // QUANT_QUANTIZE_H_
