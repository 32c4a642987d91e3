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

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "quant/codec.h"
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/nibble_values.h"
#include "quant/nibbles-inl.h"
#include "quant/rounding-inl.h"
#include "quant/small_floats.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// Levels of the nearest of scale * kE2M1, the lower of two equally near;
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
    float least = std::fabs(kE2M1.as_float[0] * scale - x[i]);
    for (uint8_t k = 1; k < 16; ++k) {
      const float error = std::fabs(kE2M1.as_float[k] * scale - x[i]);
      if (error < least) {
        levels[i] = k;
        least = error;
      }
    }
  }
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
    PackNibbles<16>(levels, levels + 16, out + 1);
    out += kMXFP4Bytes;
  }
}

HWY_INLINE void DequantizeMXFP4Blocks(const uint8_t* HWY_RESTRICT blocks,
                                      size_t count, float* HWY_RESTRICT out) {
  for (size_t first = 0; first < count; first += 32) {
    ScaleNibbles<16>(kE2M1, blocks + 1, HalfOfE8M0(blocks[0]), out + first);
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
      PackNibbles<8>(levels, levels + 8, out + 4 + s * 8);
    }
    out += kNVFP4Bytes;
  }
}

HWY_INLINE void DequantizeNVFP4Blocks(const uint8_t* HWY_RESTRICT blocks,
                                      size_t count, float* HWY_RESTRICT out) {
  for (size_t first = 0; first < count; first += 64) {
    for (size_t s = 0; s < 4; ++s) {
      ScaleNibbles<8>(kE2M1, blocks + 4 + s * 8, HalfOfUE4M3(blocks[s]),
                      out + first + s * 16);
    }
    blocks += kNVFP4Bytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_FP4_INL_H_
