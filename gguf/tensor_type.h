// File: gguf/tensor_type.h
//
// The element types that a GGUF tensor can have, and the one table of their
// sizes that every other target asks. Numbers and names are those of ggml's
// `enum ggml_type`; a quantized type stores a row as consecutive blocks of
// `block_size` weights in `block_bytes` bytes each.

#ifndef GGUF_TENSOR_TYPE_H_
#define GGUF_TENSOR_TYPE_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gguf {

enum class TensorType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ8_1 = 9,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kQ8_K = 15,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
  kNVFP4 = 40,
  kQ1_0 = 41,
  kQ2_0 = 42,
};

struct TensorTypeTraits {
  TensorType type;
  absl::string_view name;  // as ggml spells it in upper case: "Q4_K"
  uint32_t block_size;     // weights per block; 1 for plain element types
  uint32_t block_bytes;    // bytes per block
  // What the quantizer stores rows as that are no whole number of blocks; if
  // they don't divide into its blocks either, F16.
  std::optional<TensorType> fallback = std::nullopt;
  // So few bits that the quantizer refuses to choose them unweighted.
  bool needs_importance = false;
};

// All known types in the order of their numbers.
absl::Span<const TensorTypeTraits> AllTensorTypes();

// The traits of the type with this number, as it stands in a file; null if
// the number names no type that this library knows.
const TensorTypeTraits* FindTensorType(uint32_t number);

// The traits of a known type. `type` must be one of the enumerators.
const TensorTypeTraits& Traits(TensorType type);

// The type of this name, in any case ("q4_k" and "Q4_K"); nullopt if unknown.
std::optional<TensorType> ParseTensorType(absl::string_view name);

// Bytes of one row of `row_size` weights; nullopt if `row_size` is no multiple
// of the block size or the result does not fit 64 bits.
std::optional<uint64_t> RowBytes(TensorType type, uint64_t row_size);

// For absl::StrCat, absl::StrFormat("%v") and logging.
template <typename Sink>
void AbslStringify(Sink& sink, TensorType type) {
  sink.Append(Traits(type).name);
}

}  // namespace gguf

#endif  // GGUF_TENSOR_TYPE_H_
