#include "quant/quantize.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "absl/types/span.h"
#include "gguf/tensor_type.h"
#include "quant/codec.h"
#include "quant/float_types.h"

namespace quant {
namespace {

using gguf::TensorType;

// Each is asked again for every call: a test may have changed the target.
#define QUANT_FAMILY(family) family,
constexpr Codecs (*kFamilies[])() = {QUANT_CODEC_FAMILIES(QUANT_FAMILY)};
#undef QUANT_FAMILY

const Codec* FindCodec(TensorType type) {
  for (Codecs (*family)() : kFamilies) {
    for (const Codec& codec : family()) {
      if (codec.type == type) return &codec;
    }
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

std::optional<size_t> FindNotBelow(float limit,
                                   absl::Span<const float> values) {
  const size_t found = FindElementNotBelow(limit, values.data(), values.size());
  if (found == values.size()) return std::nullopt;
  return found;
}

void RoundToF16(absl::Span<float> values) {
  if (!values.empty()) RoundElementsToF16(values.data(), values.size());
}

}  // namespace quant
