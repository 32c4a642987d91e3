// File: quant/fp4-inl.h
//
// MXFP4 and NVFP4: 4-bit floats (E2M1) with the scales of small_floats.h.
// MXFP4: blocks of 32 weights, 17 bytes: E8M0 scale, 16 bytes of elements
// NVFP4: blocks of 4 x 16 weights, 36 bytes: 4 UE4M3 scales, 32 bytes of
//   elements

#if defined(QUANT_FP4_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_FP4_INL_H_
#undef QUANT_FP4_INL_H_
#else
#define QUANT_FP4_INL_H_
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
#include "quant/small_floats.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// Twice the values of E2M1, an element's format: 1 sign, 2 exponent and 1
// mantissa bits. Scales are halved to make up for that.
HWY_ALIGN constexpr int8_t kE2M1Values[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                              0, -1, -2, -3, -4, -6, -8, -12};

// Levels of the nearest of scale * kE2M1Values, the lower of two equally near;
// that of -0 is 0. Differences and borders are exact in floats as long as the
// weights are not very much larger than the scale.
template <size_t kLength>
HWY_INLINE void E2M1Levels(const float* HWY_RESTRICT x, float scale,
                           uint8_t* HWY_RESTRICT levels) {
  constexpr float kBorders[7] = {0.5f, 1.5f, 2.5f, 3.5f, 5.0f, 7.0f, 10.0f};
  const DF df;
  const DI di;
  for (size_t i = 0; i < kLength; i += hn::Lanes(df)) {
    const VF v = hn::LoadU(df, x + i);
    const VF magnitude = hn::Abs(v);
    VI level = hn::Zero(di);
    for (int k = 0; k < 7; ++k) {
      const MF above = hn::Gt(magnitude, hn::Set(df, kBorders[k] * scale));
      level =
          hn::IfThenElse(hn::RebindMask(di, above), hn::Set(di, k + 1), level);
    }
    const VI sign =
        hn::And(hn::ShiftRight<28>(hn::BitCast(di, v)), hn::Set(di, 8));
    level =
        hn::IfThenZeroElse(hn::Eq(level, hn::Zero(di)), hn::Or(level, sign));
    StoreBytes(level, levels + i);
  }
}

// The same where it is not so: rounding can make many values equally near.
template <size_t kLength>
HWY_INLINE void E2M1LevelsByTrial(const float* HWY_RESTRICT x, float scale,
                                  uint8_t* HWY_RESTRICT levels) {
  for (size_t i = 0; i < kLength; ++i) {
    levels[i] = 0;
    float least = std::fabs(kE2M1Values[0] * scale - x[i]);
    for (uint8_t k = 1; k < 16; ++k) {
      const float error = std::fabs(kE2M1Values[k] * scale - x[i]);
      if (error < least) {
        levels[i] = k;
        least = error;
      }
    }
  }
}

// Weights i and i + kHalf share a byte.
template <size_t kHalf>
HWY_INLINE void PackNibbles(const uint8_t* HWY_RESTRICT levels,
                            uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint8_t, kHalf> d8;
  for (size_t i = 0; i < kHalf; i += hn::Lanes(d8)) {
    const auto low = hn::LoadU(d8, levels + i);
    const auto high = hn::LoadU(d8, levels + kHalf + i);
    hn::StoreU(hn::Or(low, hn::ShiftLeft<4>(high)), d8, out + i);
  }
}

template <size_t kHalf>
HWY_INLINE void UnpackE2M1(const uint8_t* HWY_RESTRICT nibbles, float scale,
                           float* HWY_RESTRICT out) {
  HWY_ALIGN int8_t values[2 * kHalf];
  const hn::CappedTag<uint8_t, kHalf> d8;
  const hn::RebindToSigned<decltype(d8)> di8;
  if constexpr (HWY_MAX_LANES_D(decltype(d8)) >= 8) {
    const hn::CappedTag<int8_t, 16> d_table;
    const auto table = hn::Load(d_table, kE2M1Values);
    for (size_t i = 0; i < kHalf; i += hn::Lanes(d8)) {
      const auto both = hn::LoadU(d8, nibbles + i);
      const auto low = hn::BitCast(di8, hn::And(both, hn::Set(d8, 0x0F)));
      const auto high = hn::BitCast(di8, hn::ShiftRight<4>(both));
      hn::StoreU(hn::TableLookupBytes(table, low), di8, values + i);
      hn::StoreU(hn::TableLookupBytes(table, high), di8, values + kHalf + i);
    }
  } else {
    for (size_t i = 0; i < kHalf; ++i) {
      values[i] = kE2M1Values[nibbles[i] & 0x0F];
      values[kHalf + i] = kE2M1Values[nibbles[i] >> 4];
    }
  }
  ScaleLevels<2 * kHalf>(values, scale, out);
}

// ------------------------------------------- MXFP4: 32 weights, E8M0 scale

constexpr size_t kMXFP4Bytes = 17;

HWY_INLINE void QuantizeMXFP4Blocks(const QuantizeJob& job, uint8_t* out) {
  const size_t count = job.size() / 32;
  HWY_ALIGN uint8_t levels[32];
  for (size_t b = 0; b < count; ++b) {
    const float* HWY_RESTRICT x = job.weights + b * 32;
    out[0] = E8M0ForMXFP4(LargestMagnitude<32>(x));
    E2M1Levels<32>(x, HalfOfE8M0(out[0]), levels);
    PackNibbles<16>(levels, out + 1);
    out += kMXFP4Bytes;
  }
}

HWY_INLINE void DequantizeMXFP4Blocks(const uint8_t* HWY_RESTRICT blocks,
                                      size_t count, float* HWY_RESTRICT out) {
  for (size_t first = 0; first < count; first += 32) {
    UnpackE2M1<16>(blocks + 1, HalfOfE8M0(blocks[0]), out + first);
    blocks += kMXFP4Bytes;
  }
}

// ------------------------------------ NVFP4: 4 x 16 weights, UE4M3 scales

constexpr size_t kNVFP4Bytes = 36;

HWY_INLINE void QuantizeNVFP4Blocks(const QuantizeJob& job, uint8_t* out) {
  const size_t count = job.size() / 64;
  HWY_ALIGN uint8_t levels[16];
  for (size_t b = 0; b < count; ++b) {
    for (size_t s = 0; s < 4; ++s) {
      const float* HWY_RESTRICT x = job.weights + b * 64 + s * 16;
      const float magnitude = LargestMagnitude<16>(x);
      out[s] = UE4M3FromF32(magnitude / 6.0f);
      const float scale = HalfOfUE4M3(out[s]);
      if (HWY_LIKELY(magnitude < scale * 65536.0f)) {
        E2M1Levels<16>(x, scale, levels);
      } else {
        E2M1LevelsByTrial<16>(x, scale, levels);
      }
      PackNibbles<8>(levels, out + 4 + s * 8);
    }
    out += kNVFP4Bytes;
  }
}

HWY_INLINE void DequantizeNVFP4Blocks(const uint8_t* HWY_RESTRICT blocks,
                                      size_t count, float* HWY_RESTRICT out) {
  for (size_t first = 0; first < count; first += 64) {
    for (size_t s = 0; s < 4; ++s) {
      UnpackE2M1<8>(blocks + 4 + s * 8, HalfOfUE4M3(blocks[s]),
                    out + first + s * 16);
    }
    blocks += kNVFP4Bytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_FP4_INL_H_
