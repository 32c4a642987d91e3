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
#include <type_traits>

#include "hwy/highway.h"
#include "quant/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

template <class V>
struct Pair {
  V a, b;
};

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

using hn::Abs;
using hn::Add;
using hn::And;
using hn::AndNot;
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

template <class V>
HWY_INLINE Pair<V> Add(const Pair<V>& x, const Pair<V>& y) {
  return {Add(x.a, y.a), Add(x.b, y.b)};
}
template <class V>
HWY_INLINE Pair<V> Sub(const Pair<V>& x, const Pair<V>& y) {
  return {Sub(x.a, y.a), Sub(x.b, y.b)};
}
template <class V>
HWY_INLINE Pair<V> Mul(const Pair<V>& x, const Pair<V>& y) {
  return {Mul(x.a, y.a), Mul(x.b, y.b)};
}
template <class V>
HWY_INLINE Pair<V> Div(const Pair<V>& x, const Pair<V>& y) {
  return {Div(x.a, y.a), Div(x.b, y.b)};
}
template <class V>
HWY_INLINE Pair<V> Min(const Pair<V>& x, const Pair<V>& y) {
  return {Min(x.a, y.a), Min(x.b, y.b)};
}
template <class V>
HWY_INLINE Pair<V> Max(const Pair<V>& x, const Pair<V>& y) {
  return {Max(x.a, y.a), Max(x.b, y.b)};
}

// Masks and their combinations.
template <class V>
HWY_INLINE auto Lt(const Pair<V>& x, const Pair<V>& y)
    -> Pair<decltype(Lt(x.a, y.a))> {
  return {Lt(x.a, y.a), Lt(x.b, y.b)};
}
template <class V>
HWY_INLINE auto Gt(const Pair<V>& x, const Pair<V>& y)
    -> Pair<decltype(Gt(x.a, y.a))> {
  return {Gt(x.a, y.a), Gt(x.b, y.b)};
}
template <class V>
HWY_INLINE auto Le(const Pair<V>& x, const Pair<V>& y)
    -> Pair<decltype(Le(x.a, y.a))> {
  return {Le(x.a, y.a), Le(x.b, y.b)};
}
template <class V>
HWY_INLINE auto Eq(const Pair<V>& x, const Pair<V>& y)
    -> Pair<decltype(Eq(x.a, y.a))> {
  return {Eq(x.a, y.a), Eq(x.b, y.b)};
}
template <class V>
HWY_INLINE auto Ne(const Pair<V>& x, const Pair<V>& y)
    -> Pair<decltype(Ne(x.a, y.a))> {
  return {Ne(x.a, y.a), Ne(x.b, y.b)};
}
template <class V>
HWY_INLINE auto And(const Pair<V>& x, const Pair<V>& y)
    -> Pair<decltype(And(x.a, y.a))> {
  return {And(x.a, y.a), And(x.b, y.b)};
}
template <class V>
HWY_INLINE auto AndNot(const Pair<V>& x, const Pair<V>& y)
    -> Pair<decltype(AndNot(x.a, y.a))> {
  return {AndNot(x.a, y.a), AndNot(x.b, y.b)};
}
template <class V>
HWY_INLINE auto Or(const Pair<V>& x, const Pair<V>& y)
    -> Pair<decltype(Or(x.a, y.a))> {
  return {Or(x.a, y.a), Or(x.b, y.b)};
}

template <class V>
HWY_INLINE Pair<V> Abs(const Pair<V>& x) {
  return {Abs(x.a), Abs(x.b)};
}
template <class V>
HWY_INLINE Pair<V> Sqrt(const Pair<V>& x) {
  return {Sqrt(x.a), Sqrt(x.b)};
}
template <class V>
HWY_INLINE Pair<V> Neg(const Pair<V>& x) {
  return {Neg(x.a), Neg(x.b)};
}
template <class M, class V>
HWY_INLINE Pair<V> IfThenElse(const Pair<M>& m, const Pair<V>& x,
                              const Pair<V>& y) {
  return {IfThenElse(m.a, x.a, y.a), IfThenElse(m.b, x.b, y.b)};
}
template <class M, class V>
HWY_INLINE Pair<V> IfThenElseZero(const Pair<M>& m, const Pair<V>& x) {
  return {IfThenElseZero(m.a, x.a), IfThenElseZero(m.b, x.b)};
}
template <class M, class V>
HWY_INLINE Pair<V> IfThenZeroElse(const Pair<M>& m, const Pair<V>& x) {
  return {IfThenZeroElse(m.a, x.a), IfThenZeroElse(m.b, x.b)};
}

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

// NearestInt of each lane as a float: for magnitudes below 2^22, and for any.
HWY_INLINE VF NearestSmall(VF v) { return RoundSmall(v); }
template <class V>
HWY_INLINE Pair<V> NearestSmall(const Pair<V>& v) {
  return {NearestSmall(v.a), NearestSmall(v.b)};
}
HWY_INLINE VF NearestAny(VF v) {
  const DF df;
  return hn::ConvertTo(df, NearestInts(df, v));
}
template <class V>
HWY_INLINE Pair<V> NearestAny(const Pair<V>& v) {
  return {NearestAny(v.a), NearestAny(v.b)};
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
