#include "quant/testing/test_data.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/tensor_type.h"
#include "hwy/highway.h"
#include "quant/f16.h"
#include "quant/quantize.h"

namespace quant {
namespace {

// SplitMix64.
class Generator {
 public:
  explicit Generator(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  // In [0, 1), a multiple of 2^-24.
  float Uniform() { return static_cast<float>(Next() >> 40) * 0x1.0p-24f; }

  // Nearly normal, standard deviation 1: the sum of twelve uniforms.
  float Normal() {
    float sum = -6.0f;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }

  bool OneIn(uint64_t n) { return Next() % n == 0; }

 private:
  uint64_t state_;
};

float PowerOfTwo(int exponent) {
  return FloatOf(static_cast<uint32_t>(exponent + 127) << 23);
}

float HeavyTailed(Generator& random) {
  const float t = random.Normal() / (std::fabs(random.Normal()) + 0x1.0p-10f);
  return 0x1.0p-6f * t * t * t;
}

float Denormal(Generator& random) {
  const uint64_t bits = random.Next();
  return FloatOf(static_cast<uint32_t>(bits & 0x80000000) |
                 static_cast<uint32_t>(bits >> 40 & 0x7FFFF));
}

float OneWeight(Family family, Generator& random, float constant, size_t i) {
  switch (family) {
    case Family::kNormal:
      return 0x1.0p-6f * random.Normal();
    case Family::kUniform:
      return 2.0f * random.Uniform() - 1.0f;
    case Family::kHeavyTailed:
      return HeavyTailed(random);
    case Family::kConstant:
      return constant;
    case Family::kZero:
      return random.OneIn(2) ? 0.0f : -0.0f;
    case Family::kTiny:
      return 1e-14f * random.Normal() * (i % 512 < 256 ? 1.0f : 0x1.0p-8f);
    case Family::kHuge:
      return 3.4e38f * (2.0f * random.Uniform() - 1.0f);
    case Family::kDenormal:
      return Denormal(random);
    case Family::kAlternating:
      return i % 2 == 0 ? constant : -constant;
    case Family::kSparse:
      return random.OneIn(20) ? random.Normal() : 0.0f;
    case Family::kGrid:
      return static_cast<float>(random.Next() % 9) * 0.125f - 0.5f;
    case Family::kMixed:
      return PowerOfTwo(static_cast<int>(i / 32 % 40) - 26) * random.Normal();
  }
  return 0.0f;
}

constexpr Family kFamilies[] = {
    Family::kNormal,   Family::kUniform,  Family::kHeavyTailed,
    Family::kConstant, Family::kZero,     Family::kTiny,
    Family::kHuge,     Family::kDenormal, Family::kAlternating,
    Family::kSparse,   Family::kGrid,     Family::kMixed,
};

constexpr absl::string_view kFamilyNames[] = {
    "Normal", "Uniform",  "HeavyTailed", "Constant", "Zero", "Tiny",
    "Huge",   "Denormal", "Alternating", "Sparse",   "Grid", "Mixed",
};

}  // namespace

absl::Span<const Family> AllFamilies() { return kFamilies; }

absl::string_view FamilyName(Family family) {
  return kFamilyNames[static_cast<size_t>(family)];
}

std::vector<float> MakeWeights(Family family, uint64_t seed, size_t count) {
  Generator random(seed * 64 + static_cast<uint64_t>(family));
  const float constant = random.Normal();
  std::vector<float> weights(count);
  for (size_t i = 0; i < count; ++i) {
    weights[i] = OneWeight(family, random, constant, i);
  }
  return weights;
}

std::vector<float> MakeImportance(uint64_t seed, size_t count) {
  Generator random(~seed);
  std::vector<float> importance(count);
  for (float& value : importance) {
    const float u = random.Uniform();
    value = random.OneIn(16) ? 0.0f : u * u * 4.0f;
  }
  return importance;
}

uint64_t Digest(absl::Span<const uint8_t> bytes, uint64_t digest) {
  for (uint8_t byte : bytes) digest = (digest ^ byte) * 0x100000001B3;
  return digest;
}

std::vector<gguf::TensorType> QuantizableTypes() {
  std::vector<gguf::TensorType> types;
  for (const gguf::TensorTypeTraits& traits : gguf::AllTensorTypes()) {
    if (CanQuantize(traits.type)) types.push_back(traits.type);
  }
  return types;
}

std::vector<int64_t> RunnableTargets() {
  return hwy::SupportedAndGeneratedTargets();
}

}  // namespace quant
