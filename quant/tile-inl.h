// File: quant/tile-inl.h
//
// Tiles: N short rows of floats (blocks, sub-blocks or super-blocks), one in
// each lane of a vector, so that lane k of vector i is element i of row k. A
// kernel then does for all N rows at once exactly the operations, in exactly
// the order, that a scalar loop does for one row.
//
// Also the few vector operations whose scalar meaning must be kept to the bit.

#if defined(QUANT_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_TILE_INL_H_
#undef QUANT_TILE_INL_H_
#else
#define QUANT_TILE_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 rows in a tile, also where vectors are longer.
using DF = hn::CappedTag<float, 16>;
using DI = hn::RebindToSigned<DF>;
using VF = hn::Vec<DF>;
using VI = hn::Vec<DI>;
using MF = hn::Mask<DF>;

constexpr size_t kMaxTileRows = 16;

HWY_INLINE size_t TileRows() { return hn::Lanes(DF()); }

// Four elements of each of N rows; out[i] is element i of every row.
HWY_INLINE void LoadColumns4(const float* const* HWY_RESTRICT rows,
                             size_t column, VF& c0, VF& c1, VF& c2, VF& c3) {
  const DF df;
#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR
  const size_t n = hn::Lanes(df);
  HWY_ALIGN float t[4 * kMaxTileRows];
  for (size_t k = 0; k < n; ++k) {
    for (size_t i = 0; i < 4; ++i) t[i * n + k] = rows[k][column + i];
  }
  c0 = hn::Load(df, t);
  c1 = hn::Load(df, t + n);
  c2 = hn::Load(df, t + 2 * n);
  c3 = hn::Load(df, t + 3 * n);
#else
  const hn::FixedTag<float, 4> d4;
  constexpr size_t kN = HWY_MAX_LANES_D(DF);
  // Row 4 * b + r goes to block b of vector r; then each block is a 4x4 to
  // transpose.
  const auto gather = [&](size_t r) HWY_ATTR {
    VF v = hn::ResizeBitCast(df, hn::LoadU(d4, rows[r] + column));
    if constexpr (kN >= 8) {
      v = hn::InsertBlock<1>(v, hn::LoadU(d4, rows[4 + r] + column));
    }
    if constexpr (kN >= 16) {
      v = hn::InsertBlock<2>(v, hn::LoadU(d4, rows[8 + r] + column));
      v = hn::InsertBlock<3>(v, hn::LoadU(d4, rows[12 + r] + column));
    }
    return v;
  };
  const hn::RepartitionToWide<DF> dw;
  const VF r0 = gather(0);
  const VF r1 = gather(1);
  const VF r2 = gather(2);
  const VF r3 = gather(3);
  const auto t0 = hn::BitCast(dw, hn::InterleaveLower(df, r0, r1));
  const auto t1 = hn::BitCast(dw, hn::InterleaveLower(df, r2, r3));
  const auto t2 = hn::BitCast(dw, hn::InterleaveUpper(df, r0, r1));
  const auto t3 = hn::BitCast(dw, hn::InterleaveUpper(df, r2, r3));
  c0 = hn::BitCast(df, hn::InterleaveLower(dw, t0, t1));
  c1 = hn::BitCast(df, hn::InterleaveUpper(dw, t0, t1));
  c2 = hn::BitCast(df, hn::InterleaveLower(dw, t2, t3));
  c3 = hn::BitCast(df, hn::InterleaveUpper(dw, t2, t3));
#endif
}

// tile[i * stride + k] = rows[k][i] for k < N and i < length, a multiple of 4.
// `tile` is vector-aligned, `stride` a multiple of N.
HWY_INLINE void LoadTile(const float* const* HWY_RESTRICT rows, size_t length,
                         size_t stride, float* HWY_RESTRICT tile) {
  const DF df;
  for (size_t i = 0; i < length; i += 4) {
    VF c0, c1, c2, c3;
    LoadColumns4(rows, i, c0, c1, c2, c3);
    hn::Store(c0, df, tile + i * stride);
    hn::Store(c1, df, tile + (i + 1) * stride);
    hn::Store(c2, df, tile + (i + 2) * stride);
    hn::Store(c3, df, tile + (i + 3) * stride);
  }
}

// The way back for four elements: rows[k][column + i] is lane k of vector i.
HWY_INLINE void StoreColumns4(VF c0, VF c1, VF c2, VF c3, size_t column,
                              size_t stride, float* HWY_RESTRICT rows) {
  const DF df;
#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR
  const size_t n = hn::Lanes(df);
  HWY_ALIGN float t[4 * kMaxTileRows];
  hn::Store(c0, df, t);
  hn::Store(c1, df, t + n);
  hn::Store(c2, df, t + 2 * n);
  hn::Store(c3, df, t + 3 * n);
  for (size_t k = 0; k < n; ++k) {
    for (size_t i = 0; i < 4; ++i) rows[k * stride + column + i] = t[i * n + k];
  }
#else
  const hn::FixedTag<float, 4> d4;
  const hn::RepartitionToWide<DF> dw;
  const auto t0 = hn::BitCast(dw, hn::InterleaveLower(df, c0, c1));
  const auto t1 = hn::BitCast(dw, hn::InterleaveLower(df, c2, c3));
  const auto t2 = hn::BitCast(dw, hn::InterleaveUpper(df, c0, c1));
  const auto t3 = hn::BitCast(dw, hn::InterleaveUpper(df, c2, c3));
  // Block b of vector r is what belongs to row 4 * b + r.
  const VF r[4] = {hn::BitCast(df, hn::InterleaveLower(dw, t0, t1)),
                   hn::BitCast(df, hn::InterleaveUpper(dw, t0, t1)),
                   hn::BitCast(df, hn::InterleaveLower(dw, t2, t3)),
                   hn::BitCast(df, hn::InterleaveUpper(dw, t2, t3))};
  constexpr size_t kN = HWY_MAX_LANES_D(DF);
  float* HWY_RESTRICT to = rows + column;
  for (size_t k = 0; k < 4; ++k) {
    hn::StoreU(hn::ExtractBlock<0>(r[k]), d4, to + k * stride);
    if constexpr (kN >= 8) {
      hn::StoreU(hn::ExtractBlock<1>(r[k]), d4, to + (4 + k) * stride);
    }
    if constexpr (kN >= 16) {
      hn::StoreU(hn::ExtractBlock<2>(r[k]), d4, to + (8 + k) * stride);
      hn::StoreU(hn::ExtractBlock<3>(r[k]), d4, to + (12 + k) * stride);
    }
  }
#endif
}

// The sum of squares of each row, added up from its first element to its last.
HWY_INLINE VF SumSquares(const float* const* HWY_RESTRICT rows, size_t length) {
  VF sum = hn::Zero(DF());
  for (size_t i = 0; i < length; i += 4) {
    VF c0, c1, c2, c3;
    LoadColumns4(rows, i, c0, c1, c2, c3);
    sum = hn::Add(sum, hn::Mul(c0, c0));
    sum = hn::Add(sum, hn::Mul(c1, c1));
    sum = hn::Add(sum, hn::Mul(c2, c2));
    sum = hn::Add(sum, hn::Mul(c3, c3));
  }
  return sum;
}

// The nearest integer of each lane, for magnitudes below 2^22.
HWY_INLINE VF RoundSmall(VF v) {
  const VF magic = hn::Set(DF(), 12582912.0f);
  return hn::Sub(hn::Add(v, magic), magic);
}

// NearestInt (see f16.h) of each lane, for any value.
template <class D, class V = hn::Vec<D>>
HWY_INLINE hn::Vec<hn::RebindToSigned<D>> NearestInts(D df, V v) {
  const hn::RebindToSigned<D> di;
  const auto bits = hn::BitCast(di, hn::Add(v, hn::Set(df, 12582912.0f)));
  return hn::Sub(hn::And(bits, hn::Set(di, 0x007FFFFF)),
                 hn::Set(di, 0x00400000));
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_TILE_INL_H_
