// File: quant/ternary-inl.h
//
// TQ1_0 and TQ2_0: super-blocks of 256 weights, -1, 0 or 1 times one scale.
// TQ1_0: 54 bytes: 52 of five (the last four: four) levels each, F16 scale
// TQ2_0: 66 bytes: 64 of four levels each, F16 scale

#if defined(QUANT_TERNARY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_TERNARY_INL_H_
#undef QUANT_TERNARY_INL_H_
#else
#define QUANT_TERNARY_INL_H_
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "quant/bit_planes-inl.h"
#include "quant/codec.h"
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/rounding-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

constexpr size_t kTQ10Bytes = 54;
constexpr size_t kTQ10Scale = 52;
constexpr size_t kTQ20Bytes = 66;
constexpr size_t kTQ20Scale = 64;

// Levels -1, 0, 1 as 0, 1, 2; returns the scale.
HWY_INLINE float TernaryLevels(const float* HWY_RESTRICT x,
                               uint8_t* HWY_RESTRICT levels) {
  const DF df;
  const DI di;
  const float scale = LargestMagnitude<kSuperBlock>(x);
  float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  // The integers that infinities and NaN convert to end as level 0.
  if (HWY_UNLIKELY(!std::isfinite(inverse))) inverse = 0.0f;
  for (size_t i = 0; i < kSuperBlock; i += hn::Lanes(df)) {
    const VF v = hn::Mul(hn::LoadU(df, x + i), hn::Set(df, inverse));
    const VI level = hn::Add(RoundAway(v), hn::Set(di, 1));
    StoreBytes(level, levels + i);
  }
  return scale;
}

// ---------------------------------------------------------- TQ2_0: two bits

HWY_INLINE void QuantizeTQ20Blocks(const QuantizeJob& job, uint8_t* out) {
  const size_t count = job.size() / kSuperBlock;
  HWY_ALIGN uint8_t levels[kSuperBlock];
  for (size_t b = 0; b < count; ++b) {
    const float scale = TernaryLevels(job.weights + b * kSuperBlock, levels);
    PackTwoBits<0>(levels, out);
    StoreF16(scale, out + kTQ20Scale);
    out += kTQ20Bytes;
  }
}

HWY_INLINE void DequantizeTQ20Blocks(const uint8_t* HWY_RESTRICT blocks,
                                     size_t count, float* HWY_RESTRICT out) {
  HWY_ALIGN uint8_t levels[kSuperBlock];
  for (size_t first = 0; first < count; first += kSuperBlock) {
    UnpackTwoBits<0>(blocks, levels);
    ScaleLevels<kSuperBlock, 1>(levels, LoadF16(blocks + kTQ20Scale),
                                out + first);
    blocks += kTQ20Bytes;
  }
}

// ------------------------------------- TQ1_0: base three, five in a byte

// A byte holds t * 256 / 243, rounded up, for a number t of five digits, so
// that multiplying by three pushes the first digit out at the top. Digit k of
// bytes i .. i + kCount - 1 comes from levels[k * kStride + i].
template <size_t kCount, size_t kDigits>
HWY_INLINE void PackDigits(const uint8_t* HWY_RESTRICT levels,
                           uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint16_t, (kCount < 16 ? kCount : 16)> d16;
  const hn::Rebind<uint8_t, decltype(d16)> d8;
  for (size_t i = 0; i < kCount; i += hn::Lanes(d8)) {
    auto number = hn::LoadU(d8, levels + i);
    for (size_t k = 1; k < 5; ++k) {
      number = hn::Add(number, hn::Add(number, number));
      if (k < kDigits) {
        number = hn::Add(number, hn::LoadU(d8, levels + k * kCount + i));
      }
    }
    // (256 * t + 242) / 243: exact for all t of five digits.
    const auto wide = hn::PromoteTo(d16, number);
    const auto dividend = hn::Add(hn::ShiftLeft<8>(wide), hn::Set(d16, 242));
    const auto quotient =
        hn::ShiftRight<5>(hn::MulHigh(dividend, hn::Set(d16, 8631)));
    hn::StoreU(hn::TruncateTo(d8, quotient), d8, out + i);
  }
}

template <size_t kCount, size_t kDigits>
HWY_INLINE void UnpackDigits(const uint8_t* HWY_RESTRICT in,
                             uint8_t* HWY_RESTRICT levels) {
  const hn::CappedTag<uint8_t, kCount> d8;
  for (size_t i = 0; i < kCount; i += hn::Lanes(d8)) {
    auto number = hn::LoadU(d8, in + i);
    for (size_t k = 0; k < kDigits; ++k) {
      // 3 * number / 256: one carry from 86 on, two from 171 on.
      const auto zero = hn::VecFromMask(d8, hn::Ge(number, hn::Set(d8, 86)));
      const auto one = hn::VecFromMask(d8, hn::Ge(number, hn::Set(d8, 171)));
      const auto carry = hn::Sub(hn::Sub(hn::Zero(d8), zero), one);
      hn::StoreU(carry, d8, levels + k * kCount + i);
      number = hn::Add(number, hn::Add(number, number));
    }
  }
}

HWY_INLINE void QuantizeTQ10Blocks(const QuantizeJob& job, uint8_t* out) {
  const size_t count = job.size() / kSuperBlock;
  HWY_ALIGN uint8_t levels[kSuperBlock];
  for (size_t b = 0; b < count; ++b) {
    const float scale = TernaryLevels(job.weights + b * kSuperBlock, levels);
    PackDigits<32, 5>(levels, out);
    PackDigits<16, 5>(levels + 160, out + 32);
    PackDigits<4, 4>(levels + 240, out + 48);
    StoreF16(scale, out + kTQ10Scale);
    out += kTQ10Bytes;
  }
}

HWY_INLINE void DequantizeTQ10Blocks(const uint8_t* HWY_RESTRICT blocks,
                                     size_t count, float* HWY_RESTRICT out) {
  HWY_ALIGN uint8_t levels[kSuperBlock];
  for (size_t first = 0; first < count; first += kSuperBlock) {
    UnpackDigits<32, 5>(blocks, levels);
    UnpackDigits<16, 5>(blocks + 32, levels + 160);
    UnpackDigits<4, 4>(blocks + 48, levels + 240);
    ScaleLevels<kSuperBlock, 1>(levels, LoadF16(blocks + kTQ10Scale),
                                out + first);
    blocks += kTQ10Bytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_TERNARY_INL_H_
