// File: quant/symmetric_search-inl.h
//
// The search for a scale, x ~ a * level with signed levels: ggml's
// make_qx_quants. See search-inl.h.

#if defined(QUANT_SYMMETRIC_SEARCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_SYMMETRIC_SEARCH_INL_H_
#undef QUANT_SYMMETRIC_SEARCH_INL_H_
#else
#define QUANT_SYMMETRIC_SEARCH_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"
#include "quant/search-inl.h"
#include "quant/tile-inl.h"
#include "quant/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// x ~ scale * level, level in [-max_level, max_level - 1]. In a group that
// counts as zero both are 0, in others level_inverse is not.
template <class W>
struct SymmetricResult {
  W scale;
  W level_inverse;  // level = clamp(nearest(level_inverse * x))
};

namespace symmetric {

template <class W>
struct Sums {
  W lx, l2;
};

// wx is the tile of w * x.
template <bool kSmall, bool kClampLow, bool kClampHigh, size_t kLength, class W>
HWY_INLINE Sums<W> TryLevels(const float* HWY_RESTRICT x,
                             const float* HWY_RESTRICT w,
                             const float* HWY_RESTRICT wx, const W& inverse,
                             float max_level) {
  const size_t n = RowsOf<W>();
  const W low = SetAll<W>(-max_level);
  const W high = SetAll<W>(max_level - 1.0f);
  Sums<W> sums{SetAll<W>(0.0f), SetAll<W>(0.0f)};
  for (size_t i = 0; i < kLength; ++i) {
    const W l = RoundClamp<kSmall, kClampLow, kClampHigh>(
        Mul(inverse, LoadWide<W>(x + i * n)), low, high);
    sums.lx = Add(sums.lx, Mul(LoadWide<W>(wx + i * n), l));
    sums.l2 = Add(sums.l2, Mul(Mul(LoadWide<W>(w + i * n), l), l));
  }
  return sums;
}

// One try with numerator / max as the inverse. The largest magnitude goes to
// the numerator, so it tells at which ends levels have to be clamped.
template <bool kFinite, size_t kLength, class W>
HWY_INLINE Sums<W> Try(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w,
                       const float* HWY_RESTRICT wx, const W& inverse,
                       float numerator, float max_level) {
  if constexpr (!kFinite) {
    return TryLevels<false, true, true, kLength>(x, w, wx, inverse, max_level);
  } else {
    if (-numerator < max_level - 1.0f + kRoundsBack) {
      return TryLevels<true, false, false, kLength>(x, w, wx, inverse,
                                                    max_level);
    }
    if (-numerator < max_level + kRoundsBack) {
      return TryLevels<true, false, true, kLength>(x, w, wx, inverse,
                                                   max_level);
    }
    return TryLevels<true, true, true, kLength>(x, w, wx, inverse, max_level);
  }
}

}  // namespace symmetric

// The element of largest magnitude of each row, with its sign; the first of
// several. `magnitude` is its absolute value. kFinite: all of x is finite.
template <bool kFinite, size_t kLength, class W>
HWY_INLINE W SignedMax(const float* HWY_RESTRICT x, W& magnitude) {
  const size_t n = RowsOf<W>();
  W low = LoadWide<W>(x);
  W high = low;
  for (size_t i = 1; i < kLength; ++i) {
    const W xi = LoadWide<W>(x + i * n);
    low = Min(low, xi);
    high = Max(high, xi);
  }
  magnitude = Max(high, Neg(low));
  W max = IfThenElse(Gt(high, Neg(low)), high, low);
  if (!kFinite || HWY_UNLIKELY(!NoneSet(Eq(high, Neg(low))))) {
    // Of both signs the first one counts; NaN do not.
    max = magnitude = SetAll<W>(0.0f);
    for (size_t i = 0; i < kLength; ++i) {
      const W xi = LoadWide<W>(x + i * n);
      max = IfThenElse(Gt(Abs(xi), magnitude), xi, max);
      magnitude = Max(Abs(xi), magnitude);
    }
  }
  return max;
}

// kFinite: all of x is finite, so that levels before clamping are small.
template <class W, bool kFinite, size_t kLength>
HWY_INLINE SymmetricResult<W> SearchSymmetric(const float* HWY_RESTRICT x,
                                              const float* HWY_RESTRICT w,
                                              float max_level) {
  const size_t n = RowsOf<W>();
  const W zero = SetAll<W>(0.0f);
  HWY_ALIGN float wx[kLength * MaxRowsOf<W>()];
  for (size_t i = 0; i < kLength; ++i) {
    StoreWide(Mul(LoadWide<W>(w + i * n), LoadWide<W>(x + i * n)), wx + i * n);
  }
  W magnitude;
  const W max = SignedMax<kFinite, kLength>(x, magnitude);
  const auto is_zero = Lt(magnitude, SetAll<W>(kGroupMaxEpsilon));

  W level_inverse = Div(SetAll<W>(-max_level), max);
  symmetric::Sums<W> sums = symmetric::Try<kFinite, kLength>(
      x, w, wx, level_inverse, -max_level, max_level);
  W scale = IfThenZeroElse(Eq(sums.l2, zero), Div(sums.lx, sums.l2));
  W best = Mul(scale, sums.lx);
  for (int step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    const float numerator = -(max_level + 0.1f * static_cast<float>(step));
    const W inverse = Div(SetAll<W>(numerator), max);
    sums = symmetric::Try<kFinite, kLength>(x, w, wx, inverse, numerator,
                                            max_level);
    const auto better =
        And(Gt(sums.l2, zero), Gt(Mul(sums.lx, sums.lx), Mul(best, sums.l2)));
    const W try_scale = Div(sums.lx, sums.l2);
    level_inverse = IfThenElse(better, inverse, level_inverse);
    scale = IfThenElse(better, try_scale, scale);
    best = IfThenElse(better, Mul(try_scale, sums.lx), best);
  }
  return {IfThenZeroElse(is_zero, scale),
          IfThenZeroElse(is_zero, level_inverse)};
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_SYMMETRIC_SEARCH_INL_H_
