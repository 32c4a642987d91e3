// File: quant/descent_search-inl.h
//
// The search for a scale by coordinate descent over signed levels: ggml's
// make_q3_quants. See search-inl.h.

#if defined(QUANT_DESCENT_SEARCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_DESCENT_SEARCH_INL_H_
#undef QUANT_DESCENT_SEARCH_INL_H_
#else
#define QUANT_DESCENT_SEARCH_INL_H_
#endif

#include <cstddef>
#include <limits>

#include "hwy/highway.h"
#include "quant/search-inl.h"
#include "quant/symmetric_search-inl.h"
#include "quant/tile-inl.h"
#include "quant/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

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

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_DESCENT_SEARCH_INL_H_
