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

#include "hwy/highway.h"
#include "quant/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// Below this the largest magnitude of a group counts as zero.
constexpr float kGroupMaxEpsilon = 1e-15f;

// min(max(nearest integer, low), high) of each lane as a float. kSmall: every
// lane is known to be below 2^22 in magnitude.
template <bool kSmall>
HWY_INLINE VF RoundClamp(VF v, VF low, VF high) {
  const DF df;
  if constexpr (kSmall) {
    return hn::Min(hn::Max(RoundSmall(v), low), high);
  } else {
    return hn::Min(hn::Max(hn::ConvertTo(df, NearestInts(df, v)), low), high);
  }
}

// ---------------------------------------------------------------- affine:
// a*l+b

// x ~ scale * level - negative_min, level in [0, max_level].
struct AffineResult {
  VF scale;
  VF negative_min;   // >= 0
  VF level_inverse;  // level = clamp(nearest(level_inverse * (x - level_min)))
  VF level_min;
};

struct AffineSearch {
  float max_level;
  float first;  // tries (first + delta * i + max_level) / range, i = 0..steps
  float delta;
  int steps;
};

namespace affine {

struct Sums {
  VF l, l2, xl;
};

// Levels of one try, and their weighted sums.
template <bool kSmall, size_t kLength>
HWY_INLINE Sums TryLevels(const float* HWY_RESTRICT x,
                          const float* HWY_RESTRICT w, VF inverse, VF min,
                          VF max_level, float* HWY_RESTRICT levels) {
  const DF df;
  const size_t n = hn::Lanes(df);
  const VF zero = hn::Zero(df);
  Sums sums{zero, zero, zero};
  for (size_t i = 0; i < kLength; ++i) {
    const VF xi = hn::Load(df, x + i * n);
    const VF l =
        RoundClamp<kSmall>(hn::Mul(inverse, hn::Sub(xi, min)), zero, max_level);
    hn::Store(l, df, levels + i * n);
    const VF wl = hn::Mul(hn::Load(df, w + i * n), l);
    sums.l = hn::Add(sums.l, wl);
    sums.l2 = hn::Add(sums.l2, hn::Mul(wl, l));
    sums.xl = hn::Add(sums.xl, hn::Mul(wl, xi));
  }
  return sums;
}

// The weighted error of the levels: squared, or absolute with kAbsolute.
template <bool kAbsolute, size_t kLength>
HWY_INLINE VF Error(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w,
                    const float* HWY_RESTRICT levels, VF scale, VF min) {
  const DF df;
  const size_t n = hn::Lanes(df);
  VF error = hn::Zero(df);
  for (size_t i = 0; i < kLength; ++i) {
    VF diff = hn::Mul(scale, hn::Load(df, levels + i * n));
    diff = hn::Sub(hn::Add(diff, min), hn::Load(df, x + i * n));
    diff = kAbsolute ? hn::Abs(diff) : hn::Mul(diff, diff);
    error = hn::Add(error, hn::Mul(hn::Load(df, w + i * n), diff));
  }
  return error;
}

// Whether inverse * (x - min) is below 2^22 for all x in [low, high], in all
// lanes. Rounding is monotonic, so the ends decide.
HWY_INLINE bool AllSmall(VF inverse, VF min, VF low, VF high) {
  const DF df;
  const VF limit = hn::Set(df, 4194303.0f);
  const VF a = hn::Abs(hn::Mul(inverse, hn::Sub(low, min)));
  const VF b = hn::Abs(hn::Mul(inverse, hn::Sub(high, min)));
  return hn::AllTrue(df, hn::And(hn::Lt(a, limit), hn::Lt(b, limit)));
}

}  // namespace affine

// x, w: tiles of kLength rows of values and weights.
template <bool kAbsolute, size_t kLength>
HWY_INLINE AffineResult SearchAffine(const float* HWY_RESTRICT x,
                                     const float* HWY_RESTRICT w,
                                     const AffineSearch& search) {
  const DF df;
  const size_t n = hn::Lanes(df);
  const VF zero = hn::Zero(df);
  const VF one = hn::Set(df, 1.0f);
  const VF max_level = hn::Set(df, search.max_level);
  HWY_ALIGN float levels[kLength * kMaxTileRows];

  VF low = hn::Load(df, x);
  VF high = low;
  VF sum_w = hn::Load(df, w);
  VF sum_x = hn::Mul(sum_w, low);
  for (size_t i = 1; i < kLength; ++i) {
    const VF xi = hn::Load(df, x + i * n);
    const VF wi = hn::Load(df, w + i * n);
    low = MinKeepFirst(low, xi);
    high = MaxKeepFirst(high, xi);
    sum_w = hn::Add(sum_w, wi);
    sum_x = hn::Add(sum_x, hn::Mul(wi, xi));
  }
  VF min = hn::IfThenElse(hn::Gt(low, zero), zero, low);
  const MF flat = hn::Le(high, min);
  const VF flat_min = min;

  VF inverse = hn::Div(max_level, hn::Sub(high, min));
  VF scale = hn::Div(one, inverse);
  VF level_inverse = inverse;
  VF level_min = min;
  affine::Sums sums;
  if (HWY_LIKELY(affine::AllSmall(inverse, min, low, high))) {
    sums =
        affine::TryLevels<true, kLength>(x, w, inverse, min, max_level, levels);
  } else {
    sums = affine::TryLevels<false, kLength>(x, w, inverse, min, max_level,
                                             levels);
  }
  VF best_error = affine::Error<kAbsolute, kLength>(x, w, levels, scale, min);

  for (int step = 0; step <= search.steps; ++step) {
    const float numerator = search.first +
                            search.delta * static_cast<float>(step) +
                            search.max_level;
    inverse = hn::Div(hn::Set(df, numerator), hn::Sub(high, min));
    if (HWY_LIKELY(affine::AllSmall(inverse, min, low, high))) {
      sums = affine::TryLevels<true, kLength>(x, w, inverse, min, max_level,
                                              levels);
    } else {
      sums = affine::TryLevels<false, kLength>(x, w, inverse, min, max_level,
                                               levels);
    }
    const VF det = hn::Sub(hn::Mul(sum_w, sums.l2), hn::Mul(sums.l, sums.l));
    const MF solvable = hn::Gt(det, zero);
    VF try_scale =
        hn::Div(hn::Sub(hn::Mul(sum_w, sums.xl), hn::Mul(sum_x, sums.l)), det);
    VF try_min = hn::Div(
        hn::Sub(hn::Mul(sums.l2, sum_x), hn::Mul(sums.l, sums.xl)), det);
    const MF positive = hn::Gt(try_min, zero);
    try_min = hn::IfThenElse(positive, zero, try_min);
    try_scale = hn::IfThenElse(positive, hn::Div(sums.xl, sums.l2), try_scale);
    const VF error =
        affine::Error<kAbsolute, kLength>(x, w, levels, try_scale, try_min);
    const MF better = hn::And(solvable, hn::Lt(error, best_error));
    level_inverse = hn::IfThenElse(better, inverse, level_inverse);
    level_min = hn::IfThenElse(better, min, level_min);
    best_error = hn::IfThenElse(better, error, best_error);
    scale = hn::IfThenElse(better, try_scale, scale);
    min = hn::IfThenElse(better, try_min, min);
  }
  return AffineResult{hn::IfThenZeroElse(flat, scale),
                      hn::Neg(hn::IfThenElse(flat, flat_min, min)),
                      hn::IfThenZeroElse(flat, level_inverse), level_min};
}

// ------------------------------------------------------------ symmetric: a * l

// x ~ scale * level, level in [-max_level, max_level - 1]. In a group that
// counts as zero both are 0, in others level_inverse is not.
struct SymmetricResult {
  VF scale;
  VF level_inverse;  // level = clamp(nearest(level_inverse * x))
};

namespace symmetric {

struct Sums {
  VF lx, l2;
};

// wx is the tile of w * x.
template <bool kSmall, size_t kLength>
HWY_INLINE Sums TryLevels(const float* HWY_RESTRICT x,
                          const float* HWY_RESTRICT w,
                          const float* HWY_RESTRICT wx, VF inverse, VF low,
                          VF high) {
  const DF df;
  const size_t n = hn::Lanes(df);
  Sums sums{hn::Zero(df), hn::Zero(df)};
  for (size_t i = 0; i < kLength; ++i) {
    const VF l = RoundClamp<kSmall>(hn::Mul(inverse, hn::Load(df, x + i * n)),
                                    low, high);
    sums.lx = hn::Add(sums.lx, hn::Mul(hn::Load(df, wx + i * n), l));
    sums.l2 = hn::Add(sums.l2, hn::Mul(hn::Mul(hn::Load(df, w + i * n), l), l));
  }
  return sums;
}

}  // namespace symmetric

// The element of largest magnitude of each row, with its sign; the first of
// several. `magnitude` is its absolute value.
template <size_t kLength>
HWY_INLINE VF SignedMax(const float* HWY_RESTRICT x, VF& magnitude) {
  const DF df;
  const size_t n = hn::Lanes(df);
  VF max = hn::Zero(df);
  magnitude = max;
  for (size_t i = 0; i < kLength; ++i) {
    const VF xi = hn::Load(df, x + i * n);
    const VF ax = hn::Abs(xi);
    max = hn::IfThenElse(hn::Gt(ax, magnitude), xi, max);
    magnitude = hn::Max(ax, magnitude);
  }
  return max;
}

// kFinite: all of x is finite, so that levels before clamping are small.
template <bool kFinite, size_t kLength>
HWY_INLINE SymmetricResult SearchSymmetric(const float* HWY_RESTRICT x,
                                           const float* HWY_RESTRICT w,
                                           float max_level) {
  const DF df;
  const size_t n = hn::Lanes(df);
  const VF zero = hn::Zero(df);
  const VF low = hn::Set(df, -max_level);
  const VF high = hn::Set(df, max_level - 1.0f);
  HWY_ALIGN float wx[kLength * kMaxTileRows];
  for (size_t i = 0; i < kLength; ++i) {
    hn::Store(hn::Mul(hn::Load(df, w + i * n), hn::Load(df, x + i * n)), df,
              wx + i * n);
  }
  VF magnitude;
  const VF max = SignedMax<kLength>(x, magnitude);
  const MF is_zero = hn::Lt(magnitude, hn::Set(df, kGroupMaxEpsilon));

  VF level_inverse = hn::Div(low, max);
  symmetric::Sums sums = symmetric::TryLevels<kFinite, kLength>(
      x, w, wx, level_inverse, low, high);
  VF scale =
      hn::IfThenZeroElse(hn::Eq(sums.l2, zero), hn::Div(sums.lx, sums.l2));
  VF best = hn::Mul(scale, sums.lx);
  for (int step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    const float numerator = -(max_level + 0.1f * static_cast<float>(step));
    const VF inverse = hn::Div(hn::Set(df, numerator), max);
    sums = symmetric::TryLevels<kFinite, kLength>(x, w, wx, inverse, low, high);
    const MF better =
        hn::And(hn::Gt(sums.l2, zero),
                hn::Gt(hn::Mul(sums.lx, sums.lx), hn::Mul(best, sums.l2)));
    const VF try_scale = hn::Div(sums.lx, sums.l2);
    level_inverse = hn::IfThenElse(better, inverse, level_inverse);
    scale = hn::IfThenElse(better, try_scale, scale);
    best = hn::IfThenElse(better, hn::Mul(try_scale, sums.lx), best);
  }
  return SymmetricResult{hn::IfThenZeroElse(is_zero, scale),
                         hn::IfThenZeroElse(is_zero, level_inverse)};
}

// ------------------------------------------------- symmetric by coordinate
// descent

// As SearchSymmetric, with weights x * x: starts from the plain levels and
// changes one level at a time while that lowers the error. The levels, which
// here have a history, are left in `levels`: [0, 2 * max_level), or 0 in
// groups that count as zero.
template <size_t kLength>
HWY_INLINE VF DescendSymmetric(const float* HWY_RESTRICT x, float max_level,
                               float* HWY_RESTRICT levels) {
  const DF df;
  const size_t n = hn::Lanes(df);
  const VF zero = hn::Zero(df);
  const VF low = hn::Set(df, -max_level);
  const VF high = hn::Set(df, max_level - 1.0f);
  VF magnitude;
  const VF max = SignedMax<kLength>(x, magnitude);
  const MF is_zero = hn::Lt(magnitude, hn::Set(df, kGroupMaxEpsilon));
  const VF inverse = hn::Div(low, max);
  VF sum_lx = zero;
  VF sum_l2 = zero;
  for (size_t i = 0; i < kLength; ++i) {
    const VF xi = hn::Load(df, x + i * n);
    const VF l = RoundClamp<true>(hn::Mul(inverse, xi), low, high);
    hn::Store(l, df, levels + i * n);
    const VF w = hn::Mul(xi, xi);
    sum_lx = hn::Add(sum_lx, hn::Mul(hn::Mul(w, xi), l));
    sum_l2 = hn::Add(sum_l2, hn::Mul(hn::Mul(w, l), l));
  }
  for (int pass = 0; pass < 5; ++pass) {
    MF changed = hn::MaskFalse(df);
    for (size_t i = 0; i < kLength; ++i) {
      const VF xi = hn::Load(df, x + i * n);
      const VF l = hn::Load(df, levels + i * n);
      const VF w = hn::Mul(xi, xi);
      const VF wx = hn::Mul(w, xi);
      VF lx = hn::Sub(sum_lx, hn::Mul(wx, l));
      VF l2 = hn::Sub(sum_l2, hn::Mul(hn::Mul(w, l), l));
      const VF new_l =
          RoundClamp<false>(hn::Div(hn::Mul(xi, l2), lx), low, high);
      MF take = hn::And(hn::Gt(lx, zero), hn::Ne(new_l, l));
      lx = hn::Add(lx, hn::Mul(wx, new_l));
      l2 = hn::Add(l2, hn::Mul(hn::Mul(w, new_l), new_l));
      take = hn::And(take, hn::Gt(l2, zero));
      take = hn::And(take, hn::Gt(hn::Mul(hn::Mul(lx, lx), sum_l2),
                                  hn::Mul(hn::Mul(sum_lx, sum_lx), l2)));
      hn::Store(hn::IfThenElse(take, new_l, l), df, levels + i * n);
      sum_lx = hn::IfThenElse(take, lx, sum_lx);
      sum_l2 = hn::IfThenElse(take, l2, sum_l2);
      changed = hn::Or(changed, take);
    }
    // A lane without a change in a whole pass will not change any more.
    if (hn::AllFalse(df, hn::AndNot(is_zero, changed))) break;
  }
  const VF offset = hn::Set(df, max_level);
  for (size_t i = 0; i < kLength; ++i) {
    const VF l = hn::Add(hn::Load(df, levels + i * n), offset);
    hn::Store(hn::IfThenZeroElse(is_zero, l), df, levels + i * n);
  }
  const VF scale =
      hn::IfThenElseZero(hn::Gt(sum_l2, zero), hn::Div(sum_lx, sum_l2));
  return hn::IfThenZeroElse(is_zero, scale);
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
