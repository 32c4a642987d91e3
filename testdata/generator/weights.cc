#include "testdata/generator/weights.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace testdata {
namespace {

constexpr struct {
  Dtype dtype;
  absl::string_view name;
  uint64_t bytes;
} kDtypes[] = {{Dtype::kF32, "F32", 4},
               {Dtype::kF16, "F16", 2},
               {Dtype::kBF16, "BF16", 2}};

// SplitMix64's output function: a bijection that mixes all bits.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t StreamOf(uint64_t seed, absl::string_view name) {
  uint64_t hash = Mix(seed + 0x9e3779b97f4a7c15u);
  for (const char c : name) {
    hash = Mix(hash + static_cast<uint8_t>(c) + 0x9e3779b97f4a7c15u);
  }
  return hash;
}

// The sum of two uniform integers, around 0, up to 65535 on either side.
int32_t Triangular(uint32_t bits) {
  return static_cast<int32_t>(bits & 0xffff) +
         static_cast<int32_t>(bits >> 16) - 65535;
}

float Value(uint32_t bits, Spread spread) {
  const int32_t value = Triangular(bits);
  switch (spread) {
    case Spread::kMatrix: {
      // One weight in 1024 is 8 times as large.
      const bool is_outlier = (bits & 0x3ff) == 0x155;
      return static_cast<float>(is_outlier ? value * 8 : value) * 0x1p-21f;
    }
    case Spread::kNorm:
      return 1.0f + static_cast<float>(value) * 0x1p-18f;
    case Spread::kBias:
      return static_cast<float>(value) * 0x1p-20f;
  }
  return 0;
}

uint16_t ToBF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// For magnitudes below 65504.
uint16_t ToF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude < 0x38800000) {
    // Below 2^-14 an F16 counts units of 2^-24. Adding 0.5, whose last place
    // is that unit, rounds to it.
    const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(
        sign | (std::bit_cast<uint32_t>(rounded) - 0x3f000000));
  }
  const uint32_t rebiased = magnitude - 0x38000000;
  return static_cast<uint16_t>(
      sign | ((rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13));
}

template <typename T, typename Convert>
void Fill(uint64_t stream, Spread spread, uint64_t first,
          absl::Span<uint8_t> out, Convert convert) {
  const uint64_t count = out.size() / sizeof(T);
  for (uint64_t i = 0; i < count; i += 2) {
    const uint64_t bits =
        Mix(stream + ((first + i) / 2 + 1) * 0x9e3779b97f4a7c15u);
    const T pair[2] = {
        convert(Value(static_cast<uint32_t>(bits), spread)),
        convert(Value(static_cast<uint32_t>(bits >> 32), spread))};
    std::memcpy(out.data() + i * sizeof(T), pair,
                (i + 1 < count ? 2 : 1) * sizeof(T));
  }
}

}  // namespace

std::optional<Dtype> ParseDtype(absl::string_view name) {
  for (const auto& entry : kDtypes) {
    if (absl::EqualsIgnoreCase(entry.name, name)) return entry.dtype;
  }
  return std::nullopt;
}

absl::string_view DtypeName(Dtype dtype) {
  return kDtypes[static_cast<int>(dtype)].name;
}

uint64_t DtypeBytes(Dtype dtype) {
  return kDtypes[static_cast<int>(dtype)].bytes;
}

void FillWeights(uint64_t seed, absl::string_view name, Spread spread,
                 Dtype dtype, uint64_t first, absl::Span<uint8_t> out) {
  const uint64_t stream = StreamOf(seed, name);
  switch (dtype) {
    case Dtype::kF32:
      return Fill<float>(stream, spread, first, out, [](float v) { return v; });
    case Dtype::kF16:
      return Fill<uint16_t>(stream, spread, first, out, ToF16);
    case Dtype::kBF16:
      return Fill<uint16_t>(stream, spread, first, out, ToBF16);
  }
}

}  // namespace testdata
