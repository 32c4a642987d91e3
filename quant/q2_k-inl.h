// File: quant/q2_k-inl.h
//
// Q2_K: super-blocks of 16 x 16 weights, each scale * level - minimum with
// 2-bit levels and 4-bit scales and minima. 84 bytes:
//   16 bytes of scales (low nibbles) and minima (high nibbles),
//   64 bytes of levels, F16 scale, F16 minimum

#if defined(QUANT_Q2_K_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_Q2_K_INL_H_
#undef QUANT_Q2_K_INL_H_
#else
#define QUANT_Q2_K_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "quant/affine_k-inl.h"
#include "quant/bit_planes-inl.h"
#include "quant/f16.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

struct Q2KFormat {
  static constexpr size_t kLength = 16;
  static constexpr float kMaxLevel = 3.0f;
  static constexpr float kMaxScale = 15.0f;
  static constexpr AffineSearch kSearch{kMaxLevel, -0.5f, 0.1f, 15};
  static constexpr bool kAbsolute = true;
  static constexpr bool kRootMean = false;
  static constexpr float kSigmaFactor = 1.0f;
};

constexpr size_t kQ2KBytes = 84;
constexpr size_t kQ2KLevels = 16;
constexpr size_t kQ2KScale = 80;
constexpr size_t kQ2KMinimum = 82;

// Without importance the integer scales are plain roundings. They are not
// cut to four bits here: what does not fit spills over into the minimum.
HWY_INLINE float RoundToBytes(const float* HWY_RESTRICT values,
                              uint8_t* HWY_RESTRICT bytes) {
  float max = 0.0f;
  for (size_t j = 0; j < 16; ++j) {
    if (values[j] > max) max = values[j];
  }
  if (!(max > 0.0f)) {
    std::fill_n(bytes, 16, uint8_t{0});
    return 0.0f;
  }
  const float inverse = 15.0f / max;
  for (size_t j = 0; j < 16; ++j) {
    bytes[j] = static_cast<uint8_t>(NearestInt(inverse * values[j]));
  }
  return max / 15.0f;
}

HWY_INLINE void ReadQ2KScales(const uint8_t* HWY_RESTRICT block,
                              float* HWY_RESTRICT scales,
                              float* HWY_RESTRICT minima) {
  const float scale = LoadF16(block + kQ2KScale);
  const float minimum = LoadF16(block + kQ2KMinimum);
  for (size_t j = 0; j < 16; ++j) {
    scales[j] = scale * static_cast<float>(block[j] & 0xF);
    minima[j] = minimum * static_cast<float>(block[j] >> 4);
  }
}

HWY_INLINE void WriteQ2KBlock(const float* HWY_RESTRICT x,
                              const AffineScales<Q2KFormat>& found, size_t b,
                              const SuperScales<Q2KFormat>& super,
                              uint8_t* HWY_RESTRICT block) {
  for (size_t j = 0; j < 16; ++j) {
    block[j] = static_cast<uint8_t>(super.scales[j] | (super.minima[j] << 4));
  }
  StoreF16(super.scale, block + kQ2KScale);
  StoreF16(super.minimum, block + kQ2KMinimum);
  float scales[16];
  float minima[16];
  ReadQ2KScales(block, scales, minima);
  HWY_ALIGN uint8_t levels[kSuperBlock];
  FinalLevels<Q2KFormat>(x, found, b, scales, minima, levels);
  PackTwoBits<0>(levels, block + kQ2KLevels);
}

HWY_INLINE void QuantizeQ2KRuns(const QuantizeJob& job, uint8_t* out) {
  ForEachRun(job, kQ2KBytes, out, [](const Run& run, uint8_t* blocks) HWY_ATTR {
    AffineScales<Q2KFormat> found;
    SearchRun<Q2KFormat>(run, found);
    SuperScales<Q2KFormat> super[kRunBlocks];
    if (run.weighted) SearchSuperScales<Q2KFormat>(run, found, super);
    for (size_t b = 0; b < run.count; ++b) {
      if (!run.weighted) {
        super[b].scale = RoundToBytes(found.scale + b * 16, super[b].scales);
        super[b].minimum =
            RoundToBytes(found.minimum + b * 16, super[b].minima);
      }
      WriteQ2KBlock(run.weights + b * kSuperBlock, found, b, super[b],
                    blocks + b * kQ2KBytes);
    }
  });
}

HWY_INLINE void DequantizeQ2KBlocks(const uint8_t* HWY_RESTRICT blocks,
                                    size_t count, float* HWY_RESTRICT out) {
  HWY_ALIGN uint8_t levels[kSuperBlock];
  for (size_t first = 0; first < count; first += kSuperBlock) {
    float scales[16];
    float minima[16];
    ReadQ2KScales(blocks, scales, minima);
    UnpackTwoBits<0>(blocks + kQ2KLevels, levels);
    for (size_t j = 0; j < 16; ++j) {
      ScaleShiftLevels<16>(levels + j * 16, scales[j], -minima[j],
                           out + first + j * 16);
    }
    blocks += kQ2KBytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_Q2_K_INL_H_
