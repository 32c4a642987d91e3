// File: quant/affine_search-inl.h
//
// The search for scale and minimum, x ~ a * level + b: ggml's make_qkx2_quants
// and make_qkx3_quants. See search-inl.h.

#if defined(QUANT_AFFINE_SEARCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_AFFINE_SEARCH_INL_H_
#undef QUANT_AFFINE_SEARCH_INL_H_
#else
#define QUANT_AFFINE_SEARCH_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"
#include "quant/search-inl.h"
#include "quant/tile-inl.h"
#include "quant/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// x ~ scale * level - negative_min, level in [0, max_level].
template <class W>
struct AffineResult {
  W scale;
  W negative_min;   // >= 0
  W level_inverse;  // level = clamp(nearest(level_inverse * (x - level_min)))
  W level_min;
};

struct AffineSearch {
  float max_level;
  float first;  // tries (first + delta * i + max_level) / range, i = 0..steps
  float delta;
  int steps;
};

namespace affine {

template <class W>
struct Sums {
  W l, l2, xl;
};

// Levels of one try, and their weighted sums.
template <bool kSmall, bool kClampHigh, size_t kLength, class W>
HWY_INLINE Sums<W> TryLevels(const float* HWY_RESTRICT x,
                             const float* HWY_RESTRICT w, const W& inverse,
                             const W& min, float max_level,
                             float* HWY_RESTRICT levels) {
  const size_t n = RowsOf<W>();
  const W zero = SetAll<W>(0.0f);
  const W top = SetAll<W>(max_level);
  Sums<W> sums{zero, zero, zero};
  for (size_t i = 0; i < kLength; ++i) {
    const W xi = LoadWide<W>(x + i * n);
    const W l = RoundClamp<kSmall, true, kClampHigh>(Mul(inverse, Sub(xi, min)),
                                                     zero, top);
    StoreWide(l, levels + i * n);
    const W wl = Mul(LoadWide<W>(w + i * n), l);
    sums.l = Add(sums.l, wl);
    sums.l2 = Add(sums.l2, Mul(wl, l));
    sums.xl = Add(sums.xl, Mul(wl, xi));
  }
  return sums;
}

// The weighted error of the levels: squared, or absolute with kAbsolute.
template <bool kAbsolute, size_t kLength, class W>
HWY_INLINE W Error(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w,
                   const float* HWY_RESTRICT levels, const W& scale,
                   const W& min) {
  const size_t n = RowsOf<W>();
  W error = SetAll<W>(0.0f);
  for (size_t i = 0; i < kLength; ++i) {
    W diff = Mul(scale, LoadWide<W>(levels + i * n));
    diff = Sub(Add(diff, min), LoadWide<W>(x + i * n));
    diff = kAbsolute ? Abs(diff) : Mul(diff, diff);
    error = Add(error, Mul(LoadWide<W>(w + i * n), diff));
  }
  return error;
}

// What does not change from try to try.
template <class W>
struct Range {
  W low, high;     // the least and the largest x
  W sum_w, sum_x;  // of weights, and of weights times x
};

template <size_t kLength, class W>
HWY_INLINE Range<W> FindRange(const float* HWY_RESTRICT x,
                              const float* HWY_RESTRICT w) {
  const size_t n = RowsOf<W>();
  Range<W> range;
  range.low = range.high = LoadWide<W>(x);
  range.sum_w = LoadWide<W>(w);
  range.sum_x = Mul(range.sum_w, range.low);
  for (size_t i = 1; i < kLength; ++i) {
    const W xi = LoadWide<W>(x + i * n);
    const W wi = LoadWide<W>(w + i * n);
    // Keeps the first of zeros with different signs, unlike Min and Max.
    range.low = IfThenElse(Lt(xi, range.low), xi, range.low);
    range.high = IfThenElse(Gt(xi, range.high), xi, range.high);
    range.sum_w = Add(range.sum_w, wi);
    range.sum_x = Add(range.sum_x, Mul(wi, xi));
  }
  return range;
}

// One try with (numerator / (high - min)) as the inverse of the scale.
template <size_t kLength, class W>
HWY_INLINE Sums<W> Try(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w,
                       const Range<W>& range, float numerator, float max_level,
                       const W& min, W& inverse, float* HWY_RESTRICT levels) {
  inverse = Div(SetAll<W>(numerator), Sub(range.high, min));
  // Rounding is monotonic, so the ends tell whether all is below 2^22 (flat
  // rows and overflows may not be), and below the numerator.
  const W limit = SetAll<W>(4194303.0f);
  const W a = Abs(Mul(inverse, Sub(range.low, min)));
  const W b = Abs(Mul(inverse, Sub(range.high, min)));
  const auto sane = And(Gt(range.high, min), And(Lt(a, limit), Lt(b, limit)));
  if (HWY_UNLIKELY(!AllSet(sane))) {
    return TryLevels<false, true, kLength>(x, w, inverse, min, max_level,
                                           levels);
  }
  if (numerator < max_level + kRoundsBack) {
    return TryLevels<true, false, kLength>(x, w, inverse, min, max_level,
                                           levels);
  }
  return TryLevels<true, true, kLength>(x, w, inverse, min, max_level, levels);
}

}  // namespace affine

// x, w: tiles of kLength rows of values and weights.
template <class W, bool kAbsolute, size_t kLength>
HWY_INLINE AffineResult<W> SearchAffine(const float* HWY_RESTRICT x,
                                        const float* HWY_RESTRICT w,
                                        const AffineSearch& search) {
  const W zero = SetAll<W>(0.0f);
  HWY_ALIGN float levels[kLength * MaxRowsOf<W>()];
  const affine::Range<W> range = affine::FindRange<kLength, W>(x, w);
  const W start_min = IfThenElse(Gt(range.low, zero), zero, range.low);
  const auto flat = Le(range.high, start_min);

  W min = start_min;
  W inverse;
  affine::Try<kLength>(x, w, range, search.max_level, search.max_level, min,
                       inverse, levels);
  W scale = Div(SetAll<W>(1.0f), inverse);
  W level_inverse = inverse;
  W level_min = min;
  W best_error = affine::Error<kAbsolute, kLength>(x, w, levels, scale, min);
  for (int step = 0; step <= search.steps; ++step) {
    const float numerator = search.first +
                            search.delta * static_cast<float>(step) +
                            search.max_level;
    const affine::Sums<W> sums = affine::Try<kLength>(
        x, w, range, numerator, search.max_level, min, inverse, levels);
    const W det = Sub(Mul(range.sum_w, sums.l2), Mul(sums.l, sums.l));
    W try_scale =
        Div(Sub(Mul(range.sum_w, sums.xl), Mul(range.sum_x, sums.l)), det);
    W try_min = Div(Sub(Mul(sums.l2, range.sum_x), Mul(sums.l, sums.xl)), det);
    const auto positive = Gt(try_min, zero);
    if (HWY_UNLIKELY(!NoneSet(positive))) {
      try_min = IfThenElse(positive, zero, try_min);
      try_scale = IfThenElse(positive, Div(sums.xl, sums.l2), try_scale);
    }
    const W error =
        affine::Error<kAbsolute, kLength>(x, w, levels, try_scale, try_min);
    const auto better = And(Gt(det, zero), Lt(error, best_error));
    level_inverse = IfThenElse(better, inverse, level_inverse);
    level_min = IfThenElse(better, min, level_min);
    best_error = IfThenElse(better, error, best_error);
    scale = IfThenElse(better, try_scale, scale);
    min = IfThenElse(better, try_min, min);
  }
  return {IfThenZeroElse(flat, scale), Neg(IfThenElse(flat, start_min, min)),
          IfThenZeroElse(flat, level_inverse), level_min};
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_AFFINE_SEARCH_INL_H_
