#include "gguf/tensor_type.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "absl/log/check.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gguf {
namespace {

using T = TensorType;

// {type, name, weights per block, bytes per block, fallback, needs importance},
// by number.
constexpr TensorTypeTraits kTypes[] = {
    {T::kF32, "F32", 1, 4},
    {T::kF16, "F16", 1, 2},
    {T::kQ4_0, "Q4_0", 32, 18, T::kF16},
    {T::kQ4_1, "Q4_1", 32, 20, T::kF16},
    {T::kQ5_0, "Q5_0", 32, 22, T::kF16},
    {T::kQ5_1, "Q5_1", 32, 24, T::kF16},
    {T::kQ8_0, "Q8_0", 32, 34, T::kF16},
    {T::kQ8_1, "Q8_1", 32, 36, T::kF16},
    {T::kQ2_K, "Q2_K", 256, 84, T::kQ4_0},
    {T::kQ3_K, "Q3_K", 256, 110, T::kQ4_0},
    {T::kQ4_K, "Q4_K", 256, 144, T::kQ5_0},
    {T::kQ5_K, "Q5_K", 256, 176, T::kQ5_1},
    {T::kQ6_K, "Q6_K", 256, 210, T::kQ8_0},
    {T::kQ8_K, "Q8_K", 256, 292},
    {T::kIQ2_XXS, "IQ2_XXS", 256, 66, T::kIQ4_NL, true},
    {T::kIQ2_XS, "IQ2_XS", 256, 74, T::kIQ4_NL, true},
    {T::kIQ3_XXS, "IQ3_XXS", 256, 98, T::kIQ4_NL, true},
    {T::kIQ1_S, "IQ1_S", 256, 50, T::kIQ4_NL, true},
    {T::kIQ4_NL, "IQ4_NL", 32, 18, T::kF16},
    {T::kIQ3_S, "IQ3_S", 256, 110, T::kIQ4_NL},
    {T::kIQ2_S, "IQ2_S", 256, 82, T::kIQ4_NL, true},
    {T::kIQ4_XS, "IQ4_XS", 256, 136, T::kIQ4_NL},
    {T::kI8, "I8", 1, 1},
    {T::kI16, "I16", 1, 2},
    {T::kI32, "I32", 1, 4},
    {T::kI64, "I64", 1, 8},
    {T::kF64, "F64", 1, 8},
    {T::kIQ1_M, "IQ1_M", 256, 56, T::kIQ4_NL, true},
    {T::kBF16, "BF16", 1, 2},
    {T::kTQ1_0, "TQ1_0", 256, 54, T::kQ4_0},
    {T::kTQ2_0, "TQ2_0", 256, 66, T::kQ4_0},
    {T::kMXFP4, "MXFP4", 32, 17, T::kF16},
    {T::kNVFP4, "NVFP4", 64, 36},
    {T::kQ1_0, "Q1_0", 128, 18},
    {T::kQ2_0, "Q2_0", 64, 18, T::kQ4_0},
};

// One past the largest number.
constexpr size_t kNumbers = static_cast<size_t>(std::rbegin(kTypes)->type) + 1;

// Index in kTypes by number; -1 where the number names no type.
constexpr std::array<int8_t, kNumbers> kIndexOfNumber = [] {
  std::array<int8_t, kNumbers> index{};
  index.fill(-1);
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    index[static_cast<uint32_t>(kTypes[i].type)] = static_cast<int8_t>(i);
  }
  return index;
}();

}  // namespace

absl::Span<const TensorTypeTraits> AllTensorTypes() { return kTypes; }

const TensorTypeTraits* FindTensorType(uint32_t number) {
  if (number >= kNumbers || kIndexOfNumber[number] < 0) return nullptr;
  return &kTypes[kIndexOfNumber[number]];
}

const TensorTypeTraits& Traits(TensorType type) {
  const TensorTypeTraits* traits = FindTensorType(static_cast<uint32_t>(type));
  CHECK(traits != nullptr) << "no tensor type has number "
                           << static_cast<uint32_t>(type);
  return *traits;
}

std::optional<TensorType> ParseTensorType(absl::string_view name) {
  const auto* found = std::find_if(
      std::begin(kTypes), std::end(kTypes), [name](const auto& traits) {
        return absl::EqualsIgnoreCase(traits.name, name);
      });
  if (found == std::end(kTypes)) return std::nullopt;
  return found->type;
}

std::optional<uint64_t> RowBytes(TensorType type, uint64_t row_size) {
  const TensorTypeTraits& traits = Traits(type);
  if (row_size % traits.block_size != 0) return std::nullopt;
  const uint64_t blocks = row_size / traits.block_size;
  if (blocks > std::numeric_limits<uint64_t>::max() / traits.block_bytes) {
    return std::nullopt;
  }
  return blocks * traits.block_bytes;
}

}  // namespace gguf
