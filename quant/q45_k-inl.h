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
#include "quant/bit_planes-inl.h"
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/nibbles-inl.h"

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
  static constexpr size_t kHighBitBytes = 0;
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
  static constexpr size_t kHighBitBytes = 32;
};

constexpr size_t kScaleBytes = 12;
constexpr size_t kHeaderBytes = 2 + 2 + kScaleBytes;

template <class Format>
constexpr size_t BlockBytes() {
  return kHeaderBytes + Format::kHighBitBytes + 128;
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

// The way back: in vector, as eight scales and eight minima.
HWY_INLINE hn::Vec<hn::Full128<uint8_t>> UnpackScales(
    const uint8_t* HWY_RESTRICT packed) {
  const hn::Full128<uint32_t> d32;
  uint32_t scales, minima, rest;
  std::memcpy(&scales, packed, 4);
  std::memcpy(&minima, packed + 4, 4);
  std::memcpy(&rest, packed + 8, 4);
  return hn::BitCast(
      hn::Full128<uint8_t>(),
      hn::Dup128VecFromValues(
          d32, scales & 0x3F3F3F3F,
          (rest & 0x0F0F0F0F) | (scales >> 2 & 0x30303030), minima & 0x3F3F3F3F,
          (rest >> 4 & 0x0F0F0F0F) | (minima >> 2 & 0x30303030)));
}

// The scales of the 8 sub-blocks and then their minima as floats, from a
// block's header.
HWY_INLINE void ReadScales(const uint8_t* HWY_RESTRICT block,
                           float* HWY_RESTRICT scales /*[16]*/) {
  const hn::CappedTag<float, 8> d8;
  const DF df;
  HWY_ALIGN uint8_t integers[16];
  HWY_ALIGN float factors[16];
  hn::Store(UnpackScales(block + 4), hn::Full128<uint8_t>(), integers);
  const auto scale = hn::Set(d8, LoadF16(block));
  const auto minimum = hn::Set(d8, LoadF16(block + 2));
  for (size_t j = 0; j < 8; j += hn::Lanes(d8)) {
    hn::Store(scale, d8, factors + j);
    hn::Store(minimum, d8, factors + 8 + j);
  }
  ForEachLevels<16, 0>(integers, [&](size_t j, VF level) HWY_ATTR {
    hn::Store(hn::Mul(hn::Load(df, factors + j), level), df, scales + j);
  });
}

// Weight i of each even sub-block shares a byte with weight i of the next one.
template <class Format>
HWY_INLINE void PackLevels(const uint8_t* HWY_RESTRICT levels,
                           uint8_t* HWY_RESTRICT out) {
  uint8_t* HWY_RESTRICT nibbles = out + Format::kHighBitBytes;
  for (size_t i = 0; i < 4; ++i) {
    PackNibbles<32>(levels + i * 64, levels + i * 64 + 32, nibbles + i * 32);
  }
  if constexpr (Format::kHighBit) PackOneBit<4>(levels, out);
}

template <class Format>
HWY_INLINE void UnpackLevels(const uint8_t* HWY_RESTRICT in,
                             uint8_t* HWY_RESTRICT levels) {
  const uint8_t* HWY_RESTRICT nibbles = in + Format::kHighBitBytes;
  for (size_t i = 0; i < 4; ++i) {
    UnpackNibbles<32>(nibbles + i * 32, levels + i * 64, levels + i * 64 + 32);
  }
  if constexpr (Format::kHighBit) AddOneBit<4>(in, levels);
}

template <class Format>
HWY_INLINE void WriteSuperBlock(const float* HWY_RESTRICT x,
                                const AffineScales<Format>& found, size_t b,
                                const SuperScales<Format>& super,
                                uint8_t* HWY_RESTRICT block) {
  StoreF16(super.scale, block);
  StoreF16(super.minimum, block + 2);
  PackScales(super.scales, super.minima, block + 4);
  HWY_ALIGN float scales[16];
  ReadScales(block, scales);
  HWY_ALIGN uint8_t levels[kSuperBlock];
  FinalLevels<Format>(x, found, b, scales, scales + 8, levels);
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
    HWY_ALIGN float scales[16];
    ReadScales(blocks, scales);
    UnpackLevels<Format>(blocks + kHeaderBytes, levels);
    for (size_t j = 0; j < 8; ++j) {
      ScaleShiftLevels<32>(levels + j * 32, scales[j], -scales[8 + j],
                           out + first + j * 32);
    }
    blocks += BlockBytes<Format>();
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_Q45_K_INL_H_
