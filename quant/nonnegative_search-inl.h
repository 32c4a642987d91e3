// File: quant/nonnegative_search-inl.h
//
// The search for the scale of what is never negative, such as the scales and
// minima of sub-blocks: ggml's make_qp_quants. See search-inl.h.

#if defined(QUANT_NONNEGATIVE_SEARCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_NONNEGATIVE_SEARCH_INL_H_
#undef QUANT_NONNEGATIVE_SEARCH_INL_H_
#else
#define QUANT_NONNEGATIVE_SEARCH_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "quant/search-inl.h"
#include "quant/tile-inl.h"
#include "quant/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

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

#endif  // QUANT_NONNEGATIVE_SEARCH_INL_H_
