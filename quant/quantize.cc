#include "quant/quantize.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "absl/types/span.h"
#include "gguf/tensor_type.h"
#include "quant/blocks.h"
#include "quant/float_types.h"
#include "quant/fp4.h"
#include "quant/iq4.h"
#include "quant/low_bits.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_0.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"
#include "quant/ternary.h"

namespace quant {
namespace {

using gguf::TensorType;

void QuantizeF32(const QuantizeJob& job, uint8_t* out) {
  std::memcpy(out, job.weights, job.num_rows * job.row_size * sizeof(float));
}

void DequantizeF32(const uint8_t* blocks, size_t count, float* out) {
  std::memcpy(out, blocks, count * sizeof(float));
}

struct Codec {
  TensorType type;
  QuantizeFunction quantize;
  DequantizeFunction dequantize;
};

constexpr Codec kCodecs[] = {
    {TensorType::kF32, QuantizeF32, DequantizeF32},
    {TensorType::kF16, QuantizeF16, DequantizeF16},
    {TensorType::kBF16, QuantizeBF16, DequantizeBF16},
    {TensorType::kQ4_0, QuantizeQ40, DequantizeQ40},
    {TensorType::kQ4_1, QuantizeQ41, DequantizeQ41},
    {TensorType::kQ5_0, QuantizeQ50, DequantizeQ50},
    {TensorType::kQ5_1, QuantizeQ51, DequantizeQ51},
    {TensorType::kQ8_0, QuantizeQ80, DequantizeQ80},
    {TensorType::kQ2_K, QuantizeQ2K, DequantizeQ2K},
    {TensorType::kQ3_K, QuantizeQ3K, DequantizeQ3K},
    {TensorType::kQ4_K, QuantizeQ4K, DequantizeQ4K},
    {TensorType::kQ5_K, QuantizeQ5K, DequantizeQ5K},
    {TensorType::kQ6_K, QuantizeQ6K, DequantizeQ6K},
    {TensorType::kIQ4_NL, QuantizeIQ4NL, DequantizeIQ4NL},
    {TensorType::kIQ4_XS, QuantizeIQ4XS, DequantizeIQ4XS},
    {TensorType::kTQ1_0, QuantizeTQ10, DequantizeTQ10},
    {TensorType::kTQ2_0, QuantizeTQ20, DequantizeTQ20},
    {TensorType::kMXFP4, QuantizeMXFP4, DequantizeMXFP4},
    {TensorType::kNVFP4, QuantizeNVFP4, DequantizeNVFP4},
    {TensorType::kQ1_0, QuantizeQ10, DequantizeQ10},
    {TensorType::kQ2_0, QuantizeQ20, DequantizeQ20},
};

const Codec* FindCodec(TensorType type) {
  for (const Codec& codec : kCodecs) {
    if (codec.type == type) return &codec;
  }
  return nullptr;
}

[[noreturn]] void Fail(const char* function, const char* what) {
  std::fprintf(stderr, "quant::%s: %s\n", function, what);
  std::abort();
}

// The codec of `type`, once it is certain that `values` floats are whole rows
// of row_size weights and that `bytes` bytes hold exactly their blocks.
const Codec& CheckedCodec(const char* function, TensorType type, size_t values,
                          size_t row_size, size_t bytes) {
  const Codec* codec = FindCodec(type);
  if (codec == nullptr) Fail(function, "no kernel for this type");
  const std::optional<uint64_t> row_bytes = gguf::RowBytes(type, row_size);
  if (row_size == 0 || !row_bytes.has_value()) {
    Fail(function, "row_size is not a positive multiple of the block size");
  }
  if (values % row_size != 0 || bytes % *row_bytes != 0 ||
      values / row_size != bytes / *row_bytes) {
    Fail(function, "the spans do not hold the same whole number of rows");
  }
  return *codec;
}

}  // namespace

bool CanQuantize(TensorType type) { return FindCodec(type) != nullptr; }

bool CanDequantize(TensorType type) { return FindCodec(type) != nullptr; }

void QuantizeRows(TensorType type, absl::Span<const float> rows,
                  size_t row_size, absl::Span<const float> importance,
                  absl::Span<uint8_t> out) {
  const Codec& codec =
      CheckedCodec("QuantizeRows", type, rows.size(), row_size, out.size());
  if (!importance.empty() && importance.size() != row_size) {
    Fail("QuantizeRows", "importance has not one weight for each column");
  }
  if (rows.empty()) return;
  codec.quantize({rows.data(), rows.size() / row_size, row_size,
                  importance.empty() ? nullptr : importance.data()},
                 out.data());
}

void DequantizeRows(TensorType type, absl::Span<const uint8_t> rows,
                    size_t row_size, absl::Span<float> out) {
  const Codec& codec =
      CheckedCodec("DequantizeRows", type, out.size(), row_size, rows.size());
  if (out.empty()) return;
  codec.dequantize(rows.data(), out.size(), out.data());
}

std::optional<size_t> FindNonFinite(absl::Span<const float> values) {
  const size_t found = FindNonFiniteElement(values.data(), values.size());
  if (found == values.size()) return std::nullopt;
  return found;
}

void RoundToF16(absl::Span<float> values) {
  if (!values.empty()) RoundElementsToF16(values.data(), values.size());
}

}  // namespace quant
