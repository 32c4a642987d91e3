// File: quant/search-inl.h
//
// What the searches for the scale (and minimum) of a sub-block have in common.
// They are those of ggml's ggml-quants.c, for N sub-blocks at once: one in each
// lane, see tile-inl.h. Every lane does the same roundings in the same order.
//
// A search does not keep the levels it found. Levels follow from the scale
// that was tried, so it hands back that of the best try and the few
// sub-blocks that need their levels compute them again.

#if defined(QUANT_SEARCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_SEARCH_INL_H_
#undef QUANT_SEARCH_INL_H_
#else
#define QUANT_SEARCH_INL_H_
#endif

#include "hwy/highway.h"
#include "quant/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// Below this the largest magnitude of a group counts as zero.
constexpr float kGroupMaxEpsilon = 1e-15f;

// The nearest integer of each lane, kept in [low, high] as far as asked for.
// kSmall: all lanes are known to be below 2^22 in magnitude.
template <bool kSmall, bool kClampLow, bool kClampHigh, class W>
HWY_INLINE W RoundClamp(const W& v, const W& low, const W& high) {
  W level = kSmall ? NearestSmall(v) : NearestAny(v);
  if constexpr (kClampLow) level = Max(level, low);
  if constexpr (kClampHigh) level = Min(level, high);
  return level;
}

// How far the ends of a range can be scaled beyond its levels before rounding
// leaves them: less than one half.
constexpr float kRoundsBack = 0.49f;

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_SEARCH_INL_H_
