// File: quant/search-inl.h
//
// The searches for the scale (and minimum) of a sub-block, for N sub-blocks
// at once: one in each lane, see tile-inl.h. They are those of ggml's
// ggml-quants.c (make_qx_quants, make_qkx2/3_quants, make_qp_quants,
// make_q3_quants): every lane does the same roundings in the same order.
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

#include <cstddef>
#include <cstdint>
#include <limits>

#include "hwy/highway.h"
#include "quant/tile-inl.h"
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

// ---------------------------------------------------------- affine: a * l + b

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

// ------------------------------------------------------------ symmetric: a * l

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

// ----------------------------------------- symmetric by coordinate descent

// As SearchSymmetric with levels in [-4, 3] and weights x * x: starts from the
// plain levels and changes one level at a time while that lowers the error.
// Here levels have a history, so they are kept. A row without a change in a
// whole pass will not change any more.
template <class W, size_t kLength>
struct DescentTile {
  HWY_ALIGN float x[kLength * MaxRowsOf<W>()];
  HWY_ALIGN float w[kLength * MaxRowsOf<W>()];   // x * x
  HWY_ALIGN float wx[kLength * MaxRowsOf<W>()];  // w * x
};

// Fills in the weights.
template <class W, size_t kLength>
HWY_INLINE void WeightDescent(DescentTile<W, kLength>& tile) {
  const size_t n = RowsOf<W>();
  for (size_t i = 0; i < kLength; ++i) {
    const W x = LoadWide<W>(tile.x + i * n);
    const W w = Mul(x, x);
    StoreWide(w, tile.w + i * n);
    StoreWide(Mul(w, x), tile.wx + i * n);
  }
}

template <class W>
struct Descent {
  W lx, l2;  // sums of w * x * level, and of w * level * level
};

template <class W, size_t kLength>
HWY_INLINE Descent<W> StartDescent(const DescentTile<W, kLength>& tile,
                                   float* HWY_RESTRICT levels) {
  const size_t n = RowsOf<W>();
  const W zero = SetAll<W>(0.0f);
  W magnitude;
  const W max = SignedMax<true, kLength>(tile.x, magnitude);
  const W inverse = Div(SetAll<W>(-4.0f), max);
  Descent<W> sums{zero, zero};
  for (size_t i = 0; i < kLength; ++i) {
    const W l = RoundClamp<true, false, true>(
        Mul(inverse, LoadWide<W>(tile.x + i * n)), zero, SetAll<W>(3.0f));
    StoreWide(l, levels + i * n);
    sums.lx = Add(sums.lx, Mul(LoadWide<W>(tile.wx + i * n), l));
    sums.l2 = Add(sums.l2, Mul(Mul(LoadWide<W>(tile.w + i * n), l), l));
  }
  // Groups that count as zero: without sums no step is ever taken.
  const auto is_zero = Lt(magnitude, SetAll<W>(kGroupMaxEpsilon));
  return {IfThenZeroElse(is_zero, sums.lx), IfThenZeroElse(is_zero, sums.l2)};
}

// How far the product with an approximate reciprocal may be from a quotient of
// up to 4.5, the largest that is rounded to a level.
#if HWY_TARGET <= HWY_AVX3
constexpr float kQuotientError = 5e-4f;  // 2^-14 of it
#else
constexpr float kQuotientError = 2.5e-3f;  // 1.5 * 2^-12 of it
#endif

// Where `matters`: nearest(dividend / divisor), in [-4, 3]. Unless a quotient
// is very near to the border of two levels, no division is needed to tell; the
// reciprocals of large divisors underflow.
template <class W, class M>
HWY_INLINE W NearestQuotient(const W& dividend, const W& divisor,
                             const M& matters, bool large) {
  const W low = SetAll<W>(-4.0f);
  const W high = SetAll<W>(3.0f);
#if HWY_ARCH_X86
  const W quotient = Mul(dividend, ApproximateReciprocal(divisor));
  const W clamped = Min(Max(quotient, low), high);
  const W level = NearestSmall(clamped);
  const auto inside =
      Lt(Abs(Sub(clamped, level)), SetAll<W>(0.5f - kQuotientError));
  // NaN and what is too large for NearestInt are not.
  const auto small = Lt(Abs(quotient), SetAll<W>(1e6f));
  const auto unsure = AndNot(And(inside, small), matters);
  if (HWY_LIKELY(NoneSet(unsure) && !large)) return level;
#endif
  return RoundClamp<false, true, true>(Div(dividend, divisor), low, high);
}

// Offers a new level to element i of each row, which the row takes if its
// error shrinks by it. Returns the rows that took it.
template <class W, size_t kLength>
HWY_INLINE auto DescentStep(const DescentTile<W, kLength>& tile, size_t i,
                            bool large, Descent<W>& sums,
                            float* HWY_RESTRICT levels) {
  const size_t at = i * RowsOf<W>();
  const W zero = SetAll<W>(0.0f);
  const W l = LoadWide<W>(levels + at);
  const W w = LoadWide<W>(tile.w + at);
  const W wx = LoadWide<W>(tile.wx + at);
  W lx = Sub(sums.lx, Mul(wx, l));
  W l2 = Sub(sums.l2, Mul(Mul(w, l), l));
  const auto positive = Gt(lx, zero);
  const W new_l =
      NearestQuotient(Mul(LoadWide<W>(tile.x + at), l2), lx, positive, large);
  lx = Add(lx, Mul(wx, new_l));
  l2 = Add(l2, Mul(Mul(w, new_l), new_l));
  const auto better =
      Gt(Mul(Mul(lx, lx), sums.l2), Mul(Mul(sums.lx, sums.lx), l2));
  const auto take = And(And(positive, Ne(new_l, l)), And(Gt(l2, zero), better));
  StoreWide(IfThenElse(take, new_l, l), levels + at);
  sums.lx = IfThenElse(take, lx, sums.lx);
  sums.l2 = IfThenElse(take, l2, sums.l2);
  return take;
}

// One pass over the elements. Returns the rows that changed.
template <class W, size_t kLength>
HWY_INLINE auto DescentPass(const DescentTile<W, kLength>& tile,
                            Descent<W>& sums, float* HWY_RESTRICT levels) {
  const bool large = !AllSet(Lt(Abs(sums.lx), SetAll<W>(1e36f)));
  auto changed = Lt(sums.lx, sums.lx);
  for (size_t i = 0; i < kLength; ++i) {
    changed = Or(changed, DescentStep(tile, i, large, sums, levels));
  }
  return changed;
}

// The rows that may change in the first pass: those with an element whose best
// level is not the one it has. As long as nothing changed, w = x * x makes
//   x * l2 / lx - l  of the sums without the element  times that lx
// equal to x * l2 - l * lx of the sums with it, up to rounding: by far less
// than a ten thousandth of lx, unless that is nearly denormal or infinite.
template <class W, size_t kLength>
HWY_INLINE auto MayChange(const DescentTile<W, kLength>& tile,
                          const Descent<W>& sums,
                          const float* HWY_RESTRICT levels) {
  const size_t n = RowsOf<W>();
  const W zero = SetAll<W>(0.0f);
  const W infinity = SetAll<W>(std::numeric_limits<float>::infinity());
  const auto moderate =
      And(Gt(sums.lx, SetAll<W>(1e-25f)), Lt(sums.lx, SetAll<W>(1e30f)));
  const W margin =
      IfThenElse(moderate, Mul(sums.lx, SetAll<W>(1e-4f)), infinity);
  const W top = Mul(sums.lx, SetAll<W>(3.0f));
  auto may_change = Lt(zero, zero);
  for (size_t i = 0; i < kLength; ++i) {
    const W l = LoadWide<W>(levels + i * n);
    const W lx = Sub(sums.lx, Mul(LoadWide<W>(tile.wx + i * n), l));
    // No level is above 3.
    const W best = Min(Mul(LoadWide<W>(tile.x + i * n), sums.l2), top);
    const W distance = Abs(Sub(best, Mul(l, sums.lx)));
    const auto stays = Lt(distance, Sub(Mul(lx, SetAll<W>(0.4999f)), margin));
    may_change = Or(may_change, AndNot(stays, Gt(lx, zero)));
  }
  return may_change;
}

template <class W>
HWY_INLINE W DescentScale(const Descent<W>& sums) {
  return IfThenElseZero(Gt(sums.l2, SetAll<W>(0.0f)), Div(sums.lx, sums.l2));
}

// ----------------------------------------- non-negative, for scales and minima

namespace nonnegative {

// Levels are bytes in the format: what is written wraps, what is computed from
// the same try does not.
HWY_INLINE VF AsByte(VI level) {
  const DF df;
  return hn::ConvertTo(df, hn::And(level, hn::Set(DI(), 0xFF)));
}

// The inverse scale, of those tried, with the least weighted squared error.
template <size_t kLength>
HWY_INLINE VF BestInverse(const float* HWY_RESTRICT x,
                          const float* HWY_RESTRICT w, VF max,
                          float max_level) {
  const DF df;
  const DI di;
  const size_t n = hn::Lanes(df);
  const VF one = hn::Set(df, 1.0f);
  const VI top = hn::Set(di, static_cast<int32_t>(max_level));
  VF best_inverse = hn::Div(hn::Set(df, max_level), max);
  VF best_error = hn::Zero(df);
  for (int step = -5; step <= 4; ++step) {
    // The plain scale goes first, and its levels are bytes already.
    const bool plain = step == -5;
    if (step == 0) continue;
    const float numerator = 0.1f * static_cast<float>(step) + max_level;
    const VF inverse =
        plain ? best_inverse : hn::Div(hn::Set(df, numerator), max);
    const VF scale = hn::Div(one, inverse);
    VF error = hn::Zero(df);
    for (size_t i = 0; i < kLength; ++i) {
      const VF xi = hn::Load(df, x + i * n);
      const VI level = NearestInts(df, hn::Mul(inverse, xi));
      const VF l =
          plain ? AsByte(level) : hn::ConvertTo(df, hn::Min(level, top));
      const VF diff = hn::Sub(xi, hn::Mul(scale, l));
      error =
          hn::Add(error, hn::Mul(hn::Mul(hn::Load(df, w + i * n), diff), diff));
    }
    const MF better = plain ? hn::MaskFalse(df) : hn::Lt(error, best_error);
    best_error = plain ? error : hn::IfThenElse(better, error, best_error);
    best_inverse = hn::IfThenElse(better, inverse, best_inverse);
  }
  return best_inverse;
}

}  // namespace nonnegative

// x ~ scale * level for x >= 0, level in [0, max_level]: a search over scales,
// then coordinate descent. Levels are left in `levels` as bytes' values.
template <size_t kLength>
HWY_INLINE VF SearchNonNegative(const float* HWY_RESTRICT x,
                                const float* HWY_RESTRICT w, float max_level,
                                float* HWY_RESTRICT levels) {
  const DF df;
  const DI di;
  const size_t n = hn::Lanes(df);
  const VF zero = hn::Zero(df);
  const VI top = hn::Set(di, static_cast<int32_t>(max_level));
  VF max = zero;
  for (size_t i = 0; i < kLength; ++i) {
    const VF xi = hn::Load(df, x + i * n);
    max = hn::IfThenElse(hn::Gt(max, xi), max, xi);
  }
  const MF is_zero = hn::Lt(max, hn::Set(df, kGroupMaxEpsilon));
  const VF inverse = nonnegative::BestInverse<kLength>(x, w, max, max_level);
  VF sum_lx = zero;
  VF sum_l2 = zero;
  for (size_t i = 0; i < kLength; ++i) {
    const VF xi = hn::Load(df, x + i * n);
    const VI level = hn::Min(NearestInts(df, hn::Mul(inverse, xi)), top);
    hn::Store(nonnegative::AsByte(level), df, levels + i * n);
    const VF l = hn::ConvertTo(df, level);
    const VF wi = hn::Load(df, w + i * n);
    sum_lx = hn::Add(sum_lx, hn::Mul(hn::Mul(wi, xi), l));
    sum_l2 = hn::Add(sum_l2, hn::Mul(hn::Mul(wi, l), l));
  }
  for (int pass = 0; pass < 5; ++pass) {
    MF changed = hn::MaskFalse(df);
    for (size_t i = 0; i < kLength; ++i) {
      const VF xi = hn::Load(df, x + i * n);
      const VF wi = hn::Load(df, w + i * n);
      const VF l = hn::Load(df, levels + i * n);
      const VF wx = hn::Mul(wi, xi);
      VF lx = hn::Sub(sum_lx, hn::Mul(wx, l));
      VF l2 = hn::Sub(sum_l2, hn::Mul(hn::Mul(wi, l), l));
      MF take = hn::And(hn::Gt(lx, zero), hn::Gt(l2, zero));
      const VI new_level =
          hn::Min(NearestInts(df, hn::Div(hn::Mul(xi, l2), lx)), top);
      const VF new_l = hn::ConvertTo(df, new_level);
      take = hn::And(take, hn::Ne(new_l, l));
      lx = hn::Add(lx, hn::Mul(wx, new_l));
      l2 = hn::Add(l2, hn::Mul(hn::Mul(wi, new_l), new_l));
      take = hn::And(take, hn::Gt(hn::Mul(hn::Mul(lx, lx), sum_l2),
                                  hn::Mul(hn::Mul(sum_lx, sum_lx), l2)));
      const VF kept = nonnegative::AsByte(new_level);
      hn::Store(hn::IfThenElse(take, kept, l), df, levels + i * n);
      sum_lx = hn::IfThenElse(take, lx, sum_lx);
      sum_l2 = hn::IfThenElse(take, l2, sum_l2);
      changed = hn::Or(changed, take);
    }
    // A lane without a change in a whole pass will not change any more.
    if (hn::AllFalse(df, hn::AndNot(is_zero, changed))) break;
  }
  for (size_t i = 0; i < kLength; ++i) {
    const VF l = hn::Load(df, levels + i * n);
    hn::Store(hn::IfThenZeroElse(is_zero, l), df, levels + i * n);
  }
  const VF scale =
      hn::IfThenElseZero(hn::Gt(sum_l2, zero), hn::Div(sum_lx, sum_l2));
  return hn::IfThenZeroElse(is_zero, scale);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_SEARCH_INL_H_
