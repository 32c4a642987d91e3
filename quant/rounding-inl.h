// File: quant/rounding-inl.h
//
// Rounding away from zero, and the extremes of short runs of weights.

#if defined(QUANT_ROUNDING_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_ROUNDING_INL_H_
#undef QUANT_ROUNDING_INL_H_
#else
#define QUANT_ROUNDING_INL_H_
#endif

#include <cmath>
#include <cstddef>

#include "hwy/highway.h"
#include "quant/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// The nearest integer, ties away from zero, for magnitudes below 2^22: adding
// the float below one half truncates to it.
HWY_INLINE VI RoundAway(VF v) {
  const DF df;
  const VF almost_half = hn::Set(df, 0x1.fffffep-2f);
  return hn::ConvertInRangeTo(DI(), hn::Add(v, hn::CopySign(almost_half, v)));
}

// The largest magnitude of kLength weights.
template <size_t kLength>
HWY_INLINE float LargestMagnitude(const float* HWY_RESTRICT x) {
  const DF df;
  VF max = hn::Abs(hn::LoadU(df, x));
  for (size_t i = hn::Lanes(df); i < kLength; i += hn::Lanes(df)) {
    max = hn::Max(max, hn::Abs(hn::LoadU(df, x + i)));
  }
  return hn::ReduceMax(df, max);
}

// The value of largest magnitude with its sign, the first of several; zero if
// all are.
template <size_t kLength>
HWY_INLINE float SignedMaxOf(const float* HWY_RESTRICT values) {
  float max = 0.0f;
  for (size_t i = 0; i < kLength; ++i) {
    if (std::fabs(values[i]) > std::fabs(max)) max = values[i];
  }
  return max;
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_ROUNDING_INL_H_
