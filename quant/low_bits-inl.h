// File: quant/low_bits-inl.h
//
// Q1_0 and Q2_0: one and two bits for a weight.
// Q1_0: blocks of 128 signs, 18 bytes: F16 mean magnitude, 16 bytes of signs
// Q2_0: blocks of 64 weights, -1, 0, 1 or 2 times the scale, 18 bytes: F16
//   scale, 16 bytes of levels

#if defined(QUANT_LOW_BITS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_LOW_BITS_INL_H_
#undef QUANT_LOW_BITS_INL_H_
#else
#define QUANT_LOW_BITS_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "quant/codec.h"
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/rounding-inl.h"
#include "quant/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// -------------------------------------- Q1_0: 128 signs, mean magnitude

constexpr size_t kQ10Block = 128;
constexpr size_t kQ10Bytes = 18;

// The sum of each row's magnitudes, from the first to the last.
HWY_INLINE VF SumMagnitudes(const float* const* HWY_RESTRICT rows) {
  VF sum = hn::Zero(DF());
  for (size_t i = 0; i < kQ10Block; i += 4) {
    VF c0, c1, c2, c3;
    LoadColumns4(rows, i, c0, c1, c2, c3);
    sum = hn::Add(sum, hn::Abs(c0));
    sum = hn::Add(sum, hn::Abs(c1));
    sum = hn::Add(sum, hn::Abs(c2));
    sum = hn::Add(sum, hn::Abs(c3));
  }
  return sum;
}

// Bit i is set where weight i is not negative; both zeros are not.
HWY_INLINE void PackSigns(const float* HWY_RESTRICT x,
                          uint8_t* HWY_RESTRICT out) {
  const DF df;
  const size_t n = hn::Lanes(df);
  const VF zero = hn::Zero(df);
  for (size_t i = 0; i < kQ10Block; i += HWY_MAX(n, 8)) {
    uint8_t bits[8] = {};
    if (n >= 8) {
      hn::StoreMaskBits(df, hn::Ge(hn::LoadU(df, x + i), zero), bits);
      std::memcpy(out + i / 8, bits, n / 8);
      continue;
    }
    for (size_t j = 0; j < 8; j += n) {
      uint8_t part[8] = {};
      hn::StoreMaskBits(df, hn::Ge(hn::LoadU(df, x + i + j), zero), part);
      bits[0] = static_cast<uint8_t>(bits[0] | part[0] << j);
    }
    out[i / 8] = bits[0];
  }
}

HWY_INLINE void QuantizeQ10Blocks(const QuantizeJob& job, uint8_t* out) {
  const DF df;
  const size_t n = hn::Lanes(df);
  const size_t count = job.size() / kQ10Block;
  const float* rows[kMaxTileRows];
  HWY_ALIGN float scales[kMaxTileRows];
  for (size_t first = 0; first < count; first += n) {
    for (size_t k = 0; k < n; ++k) {
      rows[k] = job.weights + std::min(first + k, count - 1) * kQ10Block;
    }
    const VF length = hn::Set(df, static_cast<float>(kQ10Block));
    hn::Store(hn::Div(SumMagnitudes(rows), length), df, scales);
    for (size_t k = 0; k < std::min(n, count - first); ++k) {
      StoreF16(scales[k], out);
      PackSigns(rows[k], out + 2);
      out += kQ10Bytes;
    }
  }
}

HWY_INLINE void DequantizeQ10Blocks(const uint8_t* HWY_RESTRICT blocks,
                                    size_t count, float* HWY_RESTRICT out) {
  const DF df;
  const hn::RebindToUnsigned<DF> du;
  const auto one_bits = hn::Shl(hn::Set(du, 1), hn::Iota(du, 0));
  for (size_t first = 0; first < count; first += kQ10Block) {
    const VF scale = hn::Set(df, LoadF16(blocks));
    for (size_t i = 0; i < kQ10Block; i += 16) {
      uint16_t bits;
      std::memcpy(&bits, blocks + 2 + i / 8, sizeof(bits));
      for (size_t j = 0; j < 16; j += hn::Lanes(df)) {
        const auto lanes = hn::Set(du, static_cast<uint32_t>(bits) >> j);
        const MF set = hn::RebindMask(df, hn::TestBit(lanes, one_bits));
        hn::StoreU(hn::IfThenElse(set, scale, hn::Neg(scale)), df,
                   out + first + i + j);
      }
    }
    blocks += kQ10Bytes;
  }
}

// --------------------------- Q2_0: 64 weights, -1 .. 2 times the magnitude

constexpr size_t kQ20Block = 64;
constexpr size_t kQ20Bytes = 18;

// Four neighbours, each in a byte, to one byte; the low byte of each lane.
HWY_INLINE void PackNeighbours(const uint8_t* HWY_RESTRICT levels,
                               uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint32_t, 16> d32;
  const hn::Rebind<uint8_t, decltype(d32)> d8;
  const hn::Repartition<uint8_t, decltype(d32)> d8_all;
  for (size_t i = 0; i < kQ20Block / 4; i += hn::Lanes(d32)) {
    const auto v = hn::BitCast(d32, hn::LoadU(d8_all, levels + i * 4));
    const auto packed =
        hn::Or(hn::Or(v, hn::ShiftRight<6>(v)),
               hn::Or(hn::ShiftRight<12>(v), hn::ShiftRight<18>(v)));
    hn::StoreU(hn::TruncateTo(d8, packed), d8, out + i);
  }
}

HWY_INLINE void UnpackNeighbours(const uint8_t* HWY_RESTRICT in,
                                 uint8_t* HWY_RESTRICT levels) {
  const hn::CappedTag<uint32_t, 16> d32;
  const hn::Rebind<uint8_t, decltype(d32)> d8;
  const hn::Repartition<uint8_t, decltype(d32)> d8_all;
  for (size_t i = 0; i < kQ20Block / 4; i += hn::Lanes(d32)) {
    const auto v = hn::PromoteTo(d32, hn::LoadU(d8, in + i));
    const auto spread =
        hn::And(hn::Or(hn::Or(v, hn::ShiftLeft<6>(v)),
                       hn::Or(hn::ShiftLeft<12>(v), hn::ShiftLeft<18>(v))),
                hn::Set(d32, 0x03030303));
    hn::StoreU(hn::BitCast(d8_all, spread), d8_all, levels + i * 4);
  }
}

HWY_INLINE void QuantizeQ20Blocks(const QuantizeJob& job, uint8_t* out) {
  const DF df;
  const DI di;
  const size_t count = job.size() / kQ20Block;
  HWY_ALIGN uint8_t levels[kQ20Block];
  for (size_t b = 0; b < count; ++b) {
    const float* HWY_RESTRICT x = job.weights + b * kQ20Block;
    const float scale = LargestMagnitude<kQ20Block>(x);
    float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
    // The integers that infinities and NaN convert to are below all levels.
    int32_t offset = 1;
    if (HWY_UNLIKELY(!std::isfinite(inverse))) inverse = offset = 0;
    for (size_t i = 0; i < kQ20Block; i += hn::Lanes(df)) {
      const VF v = hn::Mul(hn::LoadU(df, x + i), hn::Set(df, inverse));
      const VI level = hn::Add(RoundAway(v), hn::Set(di, offset));
      StoreBytes(level, levels + i);
    }
    StoreF16(scale, out);
    PackNeighbours(levels, out + 2);
    out += kQ20Bytes;
  }
}

HWY_INLINE void DequantizeQ20Blocks(const uint8_t* HWY_RESTRICT blocks,
                                    size_t count, float* HWY_RESTRICT out) {
  HWY_ALIGN uint8_t levels[kQ20Block];
  for (size_t first = 0; first < count; first += kQ20Block) {
    UnpackNeighbours(blocks + 2, levels);
    ScaleLevels<kQ20Block, 1>(levels, LoadF16(blocks), out + first);
    blocks += kQ20Bytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_LOW_BITS_INL_H_
