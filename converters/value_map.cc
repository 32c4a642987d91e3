#include "converters/value_map.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/types/span.h"
#include "quant/quantize.h"

namespace converters {
namespace {

// e^x, operation by operation as SLEEF's expf with 1.0 ULP.
float Exp(float x) {
  if (x < -104.0f) return 0.0f;
  if (x > 100.0f) return std::numeric_limits<float>::infinity();
  const float q = std::rint(x * 1.442695040888963407f);
  // ln(2) in two parts, of which the first times q is exact.
  float s = std::fma(q, -0.693145751953125f, x);
  s = std::fma(q, -1.428606765330187e-06f, s);
  float u = 0.000198527617612853646278381f;
  u = std::fma(u, s, 0.00139304355252534151077271f);
  u = std::fma(u, s, 0.00833336077630519866943359f);
  u = std::fma(u, s, 0.0416664853692054748535156f);
  u = std::fma(u, s, 0.166666671633720397949219f);
  u = std::fma(u, s, 0.5f);
  u = 1.0f + std::fma(s * s, u, s);
  // In two steps, neither of which leaves the range of floats.
  const int exponent = static_cast<int>(q);
  return std::ldexp(std::ldexp(u, exponent >> 1), exponent - (exponent >> 1));
}

template <typename F>
void ForEach(const ValueMap& map, absl::Span<float> values, F f) {
  for (float& value : values) value = f(value);
  if (map.in_f16) quant::RoundToF16(values);
}

}  // namespace

void Apply(const ValueMap& map, absl::Span<float> values) {
  switch (map.kind) {
    case ValueMap::kNone:
      return;
    case ValueMap::kAddOne:
      return ForEach(map, values, [](float x) { return x + 1.0f; });
    case ValueMap::kNegativeExp:
      return ForEach(map, values, [](float x) { return -Exp(x); });
    case ValueMap::kReciprocal:
      return ForEach(map, values, [](float x) { return 1.0f / x; });
    case ValueMap::kScale:
      return ForEach(map, values, [f = map.factor](float x) { return x * f; });
  }
}

}  // namespace converters
