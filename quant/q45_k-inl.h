// File: quant/q45_k-inl.h
//
// Q4_K and Q5_K: super-blocks of 8 x 32 weights, each scale * level - minimum
// with 6-bit scales and minima and levels of 4 bits, in 144 bytes, or of 5
// bits, in 176:
//   F16 scale, F16 minimum, 12 bytes of 6-bit scales and minima,
//   (Q5_K: 32 bytes of the levels' high bits,) 128 bytes of their low nibbles

#if defined(QUANT_Q45_K_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_Q45_K_INL_H_
#undef QUANT_Q45_K_INL_H_
#else
#define QUANT_Q45_K_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "quant/affine_k-inl.h"
#include "quant/f16.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

struct Q4KFormat {
  static constexpr size_t kLength = 32;
  static constexpr float kMaxLevel = 15.0f;
  static constexpr float kMaxScale = 63.0f;
  static constexpr AffineSearch kSearch{kMaxLevel, -1.0f, 0.1f, 20};
  static constexpr bool kAbsolute = false;
  static constexpr bool kRootMean = true;
  static constexpr float kSigmaFactor = 2.0f;
  static constexpr bool kHighBit = false;
  static constexpr size_t kLevelBytes = 128;
};

struct Q5KFormat {
  static constexpr size_t kLength = 32;
  static constexpr float kMaxLevel = 31.0f;
  static constexpr float kMaxScale = 63.0f;
  static constexpr AffineSearch kSearch{kMaxLevel, -0.5f, 0.1f, 15};
  static constexpr bool kAbsolute = false;
  static constexpr bool kRootMean = true;
  static constexpr float kSigmaFactor = 2.0f;
  static constexpr bool kHighBit = true;
  static constexpr size_t kLevelBytes = 32 + 128;
};

constexpr size_t kScaleBytes = 12;
constexpr size_t kHeaderBytes = 2 + 2 + kScaleBytes;

template <class Format>
constexpr size_t BlockBytes() {
  return kHeaderBytes + Format::kLevelBytes;
}

// Without importance the integer scales are plain roundings.
template <class Format>
HWY_INLINE void RoundSuperScales(const float* HWY_RESTRICT scales,
                                 const float* HWY_RESTRICT minima,
                                 SuperScales<Format>& out) {
  float max_scale = 0.0f;
  float max_minimum = 0.0f;
  for (size_t j = 0; j < 8; ++j) {
    if (scales[j] > max_scale) max_scale = scales[j];
    if (minima[j] > max_minimum) max_minimum = minima[j];
  }
  const float inverse_scale = max_scale > 0.0f ? 63.0f / max_scale : 0.0f;
  const float inverse_minimum = max_minimum > 0.0f ? 63.0f / max_minimum : 0.0f;
  for (size_t j = 0; j < 8; ++j) {
    const auto scale =
        static_cast<uint8_t>(NearestInt(inverse_scale * scales[j]));
    const auto minimum =
        static_cast<uint8_t>(NearestInt(inverse_minimum * minima[j]));
    out.scales[j] = std::min<uint8_t>(63, scale);
    out.minima[j] = std::min<uint8_t>(63, minimum);
  }
  out.scale = max_scale / 63.0f;
  out.minimum = max_minimum / 63.0f;
}

// A level that wrapped below zero (only a negative scale can do that) is cut
// off in Q5_K, but not in Q4_K.
template <class Format>
HWY_INLINE void LimitScales(SuperScales<Format>& super) {
  for (size_t j = 0; j < 8; ++j) {
    super.scales[j] = std::min<uint8_t>(63, super.scales[j]);
    super.minima[j] = std::min<uint8_t>(63, super.minima[j]);
  }
}

// Two lists of eight 6-bit integers in 12 bytes: the first four of each list
// in bytes of their own, the others split into the upper bits of those bytes
// and the nibbles of the last four.
HWY_INLINE void PackScales(const uint8_t* HWY_RESTRICT scales,
                           const uint8_t* HWY_RESTRICT minima,
                           uint8_t* HWY_RESTRICT packed) {
  for (size_t j = 0; j < 4; ++j) {
    packed[j] = static_cast<uint8_t>(scales[j] | (scales[j + 4] >> 4 << 6));
    packed[j + 4] = static_cast<uint8_t>(minima[j] | (minima[j + 4] >> 4 << 6));
    packed[j + 8] = static_cast<uint8_t>((scales[j + 4] & 0xF) |
                                         ((minima[j + 4] & 0xF) << 4));
  }
}

HWY_INLINE void UnpackScales(const uint8_t* HWY_RESTRICT packed,
                             uint8_t* HWY_RESTRICT scales,
                             uint8_t* HWY_RESTRICT minima) {
  for (size_t j = 0; j < 4; ++j) {
    scales[j] = packed[j] & 63;
    minima[j] = packed[j + 4] & 63;
    scales[j + 4] =
        static_cast<uint8_t>((packed[j + 8] & 0xF) | (packed[j] >> 6 << 4));
    minima[j + 4] =
        static_cast<uint8_t>((packed[j + 8] >> 4) | (packed[j + 4] >> 6 << 4));
  }
}

// The scales and minima of the 8 sub-blocks as floats, from a block's header.
HWY_INLINE void ReadScales(const uint8_t* HWY_RESTRICT block,
                           float* HWY_RESTRICT scales,
                           float* HWY_RESTRICT minima) {
  const float scale = LoadF16(block);
  const float minimum = LoadF16(block + 2);
  uint8_t integer_scales[8];
  uint8_t integer_minima[8];
  UnpackScales(block + 4, integer_scales, integer_minima);
  for (size_t j = 0; j < 8; ++j) {
    scales[j] = scale * static_cast<float>(integer_scales[j]);
    minima[j] = minimum * static_cast<float>(integer_minima[j]);
  }
}

// Low nibbles: weight i of each even sub-block with weight i of the next one.
// High bits: bit j of byte i is that of weight i of sub-block j.
template <class Format>
HWY_INLINE void PackLevels(const uint8_t* HWY_RESTRICT levels,
                           uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint8_t, 32> d8;
  const auto low_mask = hn::Set(d8, 0x0F);
  uint8_t* HWY_RESTRICT nibbles = out + (Format::kHighBit ? 32 : 0);
  for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
    auto high = hn::Zero(d8);
    for (size_t pair = 0; pair < 4; ++pair) {
      const auto even = hn::LoadU(d8, levels + pair * 64 + i);
      const auto odd = hn::LoadU(d8, levels + pair * 64 + 32 + i);
      hn::StoreU(hn::Or(hn::And(even, low_mask), hn::ShiftLeft<4>(odd)), d8,
                 nibbles + pair * 32 + i);
      if constexpr (Format::kHighBit) {
        // Bit 4 of both, moved to the top; earlier bits move down.
        high = hn::Or(hn::ShiftRight<1>(high),
                      hn::AndNot(hn::Set(d8, 0x7F), hn::ShiftLeft<3>(even)));
        high = hn::Or(hn::ShiftRight<1>(high),
                      hn::AndNot(hn::Set(d8, 0x7F), hn::ShiftLeft<3>(odd)));
      }
    }
    if constexpr (Format::kHighBit) hn::StoreU(high, d8, out + i);
  }
}

template <class Format>
HWY_INLINE void UnpackLevels(const uint8_t* HWY_RESTRICT in,
                             uint8_t* HWY_RESTRICT levels) {
  const hn::CappedTag<uint8_t, 32> d8;
  const auto low_mask = hn::Set(d8, 0x0F);
  const auto high_bit = hn::Set(d8, 0x10);
  const uint8_t* HWY_RESTRICT nibbles = in + (Format::kHighBit ? 32 : 0);
  for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
    auto high = hn::Zero(d8);
    if constexpr (Format::kHighBit) high = hn::LoadU(d8, in + i);
    for (size_t pair = 0; pair < 4; ++pair) {
      const auto both = hn::LoadU(d8, nibbles + pair * 32 + i);
      auto even = hn::And(both, low_mask);
      auto odd = hn::ShiftRight<4>(both);
      if constexpr (Format::kHighBit) {
        even = hn::Or(even, hn::And(hn::ShiftLeft<4>(high), high_bit));
        odd = hn::Or(odd, hn::And(hn::ShiftLeft<3>(high), high_bit));
        high = hn::ShiftRight<2>(high);
      }
      hn::StoreU(even, d8, levels + pair * 64 + i);
      hn::StoreU(odd, d8, levels + pair * 64 + 32 + i);
    }
  }
}

template <class Format>
HWY_INLINE void WriteSuperBlock(const float* HWY_RESTRICT x,
                                const AffineScales<Format>& found, size_t b,
                                const SuperScales<Format>& super,
                                uint8_t* HWY_RESTRICT block) {
  StoreF16(super.scale, block);
  StoreF16(super.minimum, block + 2);
  PackScales(super.scales, super.minima, block + 4);
  float scales[8];
  float minima[8];
  ReadScales(block, scales, minima);
  HWY_ALIGN uint8_t levels[kSuperBlock];
  FinalLevels<Format>(x, found, b, scales, minima, levels);
  PackLevels<Format>(levels, block + kHeaderBytes);
}

template <class Format>
HWY_INLINE void QuantizeQ45K(const QuantizeJob& job, uint8_t* out) {
  ForEachRun(job, BlockBytes<Format>(), out,
             [](const Run& run, uint8_t* blocks) HWY_ATTR {
               AffineScales<Format> found;
               SearchRun<Format>(run, found);
               SuperScales<Format> super[kRunBlocks];
               if (run.weighted) SearchSuperScales<Format>(run, found, super);
               for (size_t b = 0; b < run.count; ++b) {
                 if (!run.weighted) {
                   RoundSuperScales<Format>(found.scale + b * 8,
                                            found.minimum + b * 8, super[b]);
                 } else if (Format::kHighBit) {
                   LimitScales(super[b]);
                 }
                 WriteSuperBlock<Format>(run.weights + b * kSuperBlock, found,
                                         b, super[b],
                                         blocks + b * BlockBytes<Format>());
               }
             });
}

template <class Format>
HWY_INLINE void DequantizeQ45K(const uint8_t* HWY_RESTRICT blocks, size_t count,
                               float* HWY_RESTRICT out) {
  HWY_ALIGN uint8_t levels[kSuperBlock];
  for (size_t first = 0; first < count; first += kSuperBlock) {
    float scales[8];
    float minima[8];
    ReadScales(blocks, scales, minima);
    UnpackLevels<Format>(blocks + kHeaderBytes, levels);
    for (size_t j = 0; j < 8; ++j) {
      ScaleShiftLevels<32>(levels + j * 32, scales[j], -minima[j],
                           out + first + j * 32);
    }
    blocks += BlockBytes<Format>();
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_Q45_K_INL_H_
