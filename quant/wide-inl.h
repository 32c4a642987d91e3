// File: quant/wide-inl.h
//
// Vectors side by side. The kernels of searches are one long chain of
// dependent operations for each row; two or four rows' chains at a time keep
// the CPU's ports busy. A kernel is a template over W, which is VF, Pair<VF>
// or Pair<Pair<VF>>, and calls the operations below without a namespace.

#if defined(QUANT_WIDE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_WIDE_INL_H_
#undef QUANT_WIDE_INL_H_
#else
#define QUANT_WIDE_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"
#include "quant/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

template <class V>
struct Pair {
  V a, b;
};
template <class V>
Pair(V, V) -> Pair<V>;

template <class W>
struct VectorsIn {
  static constexpr size_t kCount = 1;
};
template <class V>
struct VectorsIn<Pair<V>> {
  static constexpr size_t kCount = 2 * VectorsIn<V>::kCount;
};

// Rows of a tile whose vectors are W, now and at most on any CPU.
template <class W>
HWY_INLINE size_t RowsOf() {
  return hn::Lanes(DF()) * VectorsIn<W>::kCount;
}
template <class W>
constexpr size_t MaxRowsOf() {
  return kMaxTileRows * VectorsIn<W>::kCount;
}

// Pair<V> of floats or masks; one overload of each name for VF and MF, one
// for pairs.
template <class W>
HWY_INLINE W SetAll(float value) {
  if constexpr (VectorsIn<W>::kCount == 1) {
    return hn::Set(DF(), value);
  } else {
    const auto half = SetAll<decltype(W::a)>(value);
    return W{half, half};
  }
}

template <class W>
HWY_INLINE W LoadWide(const float* HWY_RESTRICT from) {
  if constexpr (VectorsIn<W>::kCount == 1) {
    return hn::Load(DF(), from);
  } else {
    using Half = decltype(W::a);
    return W{LoadWide<Half>(from), LoadWide<Half>(from + RowsOf<Half>())};
  }
}

HWY_INLINE void StoreWide(VF v, float* HWY_RESTRICT to) {
  hn::Store(v, DF(), to);
}
template <class V>
HWY_INLINE void StoreWide(const Pair<V>& v, float* HWY_RESTRICT to) {
  StoreWide(v.a, to);
  StoreWide(v.b, to + RowsOf<V>());
}

// Op of pairs, by the number of its operands, is the pair of Ops.
#define QUANT_PAIRWISE_1(Op)             \
  template <class V>                     \
  HWY_INLINE auto Op(const Pair<V>& x) { \
    return Pair{Op(x.a), Op(x.b)};       \
  }
#define QUANT_PAIRWISE_2(Op)                               \
  template <class V>                                       \
  HWY_INLINE auto Op(const Pair<V>& x, const Pair<V>& y) { \
    return Pair{Op(x.a, y.a), Op(x.b, y.b)};               \
  }
// A mask, and one or two vectors.
#define QUANT_PAIRWISE_IF(Op)                                              \
  template <class M, class V, class... Vs>                                 \
  HWY_INLINE auto Op(const Pair<M>& m, const Pair<V>& x, const Vs&... y) { \
    return Pair{Op(m.a, x.a, y.a...), Op(m.b, x.b, y.b...)};               \
  }

using hn::Abs;
using hn::Add;
using hn::And;
using hn::AndNot;
using hn::ApproximateReciprocal;
using hn::Div;
using hn::Eq;
using hn::Gt;
using hn::IfThenElse;
using hn::IfThenElseZero;
using hn::IfThenZeroElse;
using hn::Le;
using hn::Lt;
using hn::Max;
using hn::Min;
using hn::Mul;
using hn::Ne;
using hn::Neg;
using hn::Or;
using hn::Sqrt;
using hn::Sub;
QUANT_PAIRWISE_1(Abs)
QUANT_PAIRWISE_1(ApproximateReciprocal)
QUANT_PAIRWISE_1(Neg)
QUANT_PAIRWISE_1(Sqrt)
QUANT_PAIRWISE_2(Add)
QUANT_PAIRWISE_2(And)
QUANT_PAIRWISE_2(AndNot)
QUANT_PAIRWISE_2(Div)
QUANT_PAIRWISE_2(Eq)
QUANT_PAIRWISE_2(Gt)
QUANT_PAIRWISE_2(Le)
QUANT_PAIRWISE_2(Lt)
QUANT_PAIRWISE_2(Max)
QUANT_PAIRWISE_2(Min)
QUANT_PAIRWISE_2(Mul)
QUANT_PAIRWISE_2(Ne)
QUANT_PAIRWISE_2(Or)
QUANT_PAIRWISE_2(Sub)
QUANT_PAIRWISE_IF(IfThenElse)
QUANT_PAIRWISE_IF(IfThenElseZero)
QUANT_PAIRWISE_IF(IfThenZeroElse)

// NearestInt of each lane as a float: for magnitudes below 2^22, and for any.
HWY_INLINE VF NearestSmall(VF v) { return RoundSmall(v); }
HWY_INLINE VF NearestAny(VF v) {
  const DF df;
  return hn::ConvertTo(df, NearestInts(df, v));
}
QUANT_PAIRWISE_1(NearestSmall)
QUANT_PAIRWISE_1(NearestAny)

#undef QUANT_PAIRWISE_1
#undef QUANT_PAIRWISE_2
#undef QUANT_PAIRWISE_IF

HWY_INLINE bool AllSet(MF m) { return hn::AllTrue(DF(), m); }
template <class M>
HWY_INLINE bool AllSet(const Pair<M>& m) {
  return AllSet(m.a) && AllSet(m.b);
}

HWY_INLINE bool NoneSet(MF m) { return hn::AllFalse(DF(), m); }
template <class M>
HWY_INLINE bool NoneSet(const Pair<M>& m) {
  return NoneSet(m.a) && NoneSet(m.b);
}

// A tile of 2 N or 4 N rows: those of one vector of W after the other.
template <class W>
HWY_INLINE void LoadWideTile(const float* const* HWY_RESTRICT rows,
                             size_t length, float* HWY_RESTRICT tile) {
  const size_t n = hn::Lanes(DF());
  for (size_t part = 0; part < VectorsIn<W>::kCount; ++part) {
    LoadTile(rows + part * n, length, RowsOf<W>(), tile + part * n);
  }
}

// The way back: row k of the tile to rows[k * length].
template <class W>
HWY_INLINE void StoreWideTile(const float* HWY_RESTRICT tile, size_t length,
                              float* HWY_RESTRICT rows) {
  const DF df;
  const size_t n = hn::Lanes(df);
  const size_t stride = RowsOf<W>();
  for (size_t part = 0; part < VectorsIn<W>::kCount; ++part) {
    const float* HWY_RESTRICT from = tile + part * n;
    for (size_t i = 0; i < length; i += 4) {
      StoreColumns4(hn::Load(df, from + i * stride),
                    hn::Load(df, from + (i + 1) * stride),
                    hn::Load(df, from + (i + 2) * stride),
                    hn::Load(df, from + (i + 3) * stride), i, length,
                    rows + part * n * length);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_WIDE_INL_H_
