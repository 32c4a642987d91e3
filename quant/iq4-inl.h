// File: quant/iq4-inl.h
//
// IQ4_NL and IQ4_XS: levels of 4 bits that stand for 16 unevenly spaced values.
// IQ4_NL: blocks of 32 weights, 18 bytes:
//   F16 scale, 16 bytes of levels
// IQ4_XS: super-blocks of 8 x 32 weights with 6-bit scales, 136 bytes:
//   F16 scale, 2 bytes of the scales' high two bits, 4 bytes of their low
//   nibbles, 128 bytes of levels

#if defined(QUANT_IQ4_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_IQ4_INL_H_
#undef QUANT_IQ4_INL_H_
#else
#define QUANT_IQ4_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "quant/codec.h"
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/nibble_values.h"
#include "quant/nibbles-inl.h"
#include "quant/rounding-inl.h"
#include "quant/search-inl.h"
#include "quant/super_blocks-inl.h"
#include "quant/symmetric_search-inl.h"
#include "quant/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// Half way between neighbours; exact. A value on the border belongs to the
// upper level. The last entry is never reached.
alignas(64) constexpr float kIQ4Borders[16] = {
    -115.5f, -93.5f, -74.0f, -57.0f, -42.0f, -28.5f, -16.0f, -4.5f,
    7.0f,    19.0f,  31.5f,  45.5f,  61.0f,  79.0f,  101.0f, 1e38f};

struct IQ4Nearest {
  VI level;
  VF value;
};

// The nearest of the values, by binary search in registers where a vector
// holds the table. Not-a-number gives the last level.
HWY_INLINE IQ4Nearest NearestIQ4(VF v) {
  const DF df;
  const DI di;
#if !HWY_HAVE_SCALABLE && HWY_TARGET != HWY_SCALAR
  if constexpr (HWY_MAX_LANES_D(DF) == 16) {
    const VF borders = hn::Load(df, kIQ4Borders);
    const auto step = [&](VI level, int32_t size) HWY_ATTR {
      const VI middle = hn::Add(level, hn::Set(di, size - 1));
      const VF border =
          hn::TableLookupLanes(borders, hn::IndicesFromVec(df, middle));
      const VI upper = hn::Add(level, hn::Set(di, size));
      return hn::IfThenElse(hn::RebindMask(di, hn::Lt(v, border)), level,
                            upper);
    };
    VI level = hn::IfThenElse(
        hn::RebindMask(di, hn::Lt(v, hn::Set(df, kIQ4Borders[7]))),
        hn::Zero(di), hn::Set(di, 8));
    level = step(level, 4);
    level = step(level, 2);
    level = step(level, 1);
    const VF values = hn::Load(df, kIQ4.as_float);
    return {level, hn::TableLookupLanes(values, hn::IndicesFromVec(df, level))};
  }
#endif
  VI level = hn::Zero(di);
  VF value = hn::Set(df, kIQ4.as_float[0]);
  for (int i = 0; i < 15; ++i) {
    const MF below = hn::Lt(v, hn::Set(df, kIQ4Borders[i]));
    value = hn::IfThenElse(below, value, hn::Set(df, kIQ4.as_float[i + 1]));
    level =
        hn::IfThenElse(hn::RebindMask(di, below), level, hn::Set(di, i + 1));
  }
  return {level, value};
}

// levels[i] = nearest(inverse * x[i])
template <size_t kLength>
HWY_INLINE void IQ4Levels(const float* HWY_RESTRICT x, float inverse,
                          uint8_t* HWY_RESTRICT levels) {
  const DF df;
  for (size_t i = 0; i < kLength; i += hn::Lanes(df)) {
    const VF v = hn::Mul(hn::Set(df, inverse), hn::LoadU(df, x + i));
    StoreBytes(NearestIQ4(v).level, levels + i);
  }
}

namespace iq4 {

struct Sums {
  VF qx, q2;
};

HWY_INLINE Sums TryInverse(const float* HWY_RESTRICT x,
                           const float* HWY_RESTRICT w, VF inverse) {
  const DF df;
  const size_t n = hn::Lanes(df);
  Sums sums{hn::Zero(df), hn::Zero(df)};
  for (size_t i = 0; i < 32; ++i) {
    const VF xi = hn::Load(df, x + i * n);
    const VF q = NearestIQ4(hn::Mul(inverse, xi)).value;
    const VF wq = hn::Mul(hn::Load(df, w + i * n), q);
    sums.qx = hn::Add(sums.qx, hn::Mul(wq, xi));
    sums.q2 = hn::Add(sums.q2, hn::Mul(wq, q));
  }
  return sums;
}

}  // namespace iq4

// x ~ scale * value, for tiles of 32 weights. The first try is computed in
// other steps than those of the loop, so it rounds differently from i = 0.
HWY_INLINE VF SearchIQ4(const float* HWY_RESTRICT x,
                        const float* HWY_RESTRICT w) {
  const DF df;
  const VF zero = hn::Zero(df);
  constexpr int kTries = 7;
  VF magnitude;
  const VF max = SignedMax<true, 32>(x, magnitude);
  const MF is_zero = hn::Lt(magnitude, hn::Set(df, kGroupMaxEpsilon));
  const VF plain = hn::Div(hn::Neg(max), hn::Set(df, kIQ4.as_float[0]));
  iq4::Sums sums = iq4::TryInverse(x, w, hn::Div(hn::Set(df, 1.0f), plain));
  VF scale =
      hn::IfThenElseZero(hn::Gt(sums.q2, zero), hn::Div(sums.qx, sums.q2));
  VF best = hn::Mul(scale, sums.qx);
  for (int i = -kTries; i <= kTries; ++i) {
    const float numerator = static_cast<float>(i) + kIQ4.as_float[0];
    sums = iq4::TryInverse(x, w, hn::Div(hn::Set(df, numerator), max));
    const MF better =
        hn::And(hn::Gt(sums.q2, zero),
                hn::Gt(hn::Mul(sums.qx, sums.qx), hn::Mul(best, sums.q2)));
    const VF try_scale = hn::Div(sums.qx, sums.q2);
    scale = hn::IfThenElse(better, try_scale, scale);
    best = hn::IfThenElse(better, hn::Mul(try_scale, sums.qx), best);
  }
  return hn::IfThenZeroElse(is_zero, scale);
}

// ------------------------------------------------------------------ IQ4_NL

constexpr size_t kIQ4NLBytes = 18;

// The sum of squares of each row's 32 elements, times 2 / 32.
HWY_INLINE VF IQ4NLSigma2(const float* HWY_RESTRICT x) {
  const DF df;
  VF sum = hn::Zero(df);
  for (size_t i = 0; i < 32; ++i) {
    const VF xi = hn::Load(df, x + i * hn::Lanes(df));
    sum = hn::Add(sum, hn::Mul(xi, xi));
  }
  return hn::Mul(sum, hn::Set(df, 2.0f / 32));
}

// Tiles of the blocks first .. first + N - 1 of the job, the last filling up.
HWY_INLINE void LoadIQ4NLBlocks(const QuantizeJob& job, size_t first,
                                size_t count, SubBlockTile<VF, 32>& tile) {
  const DF df;
  const size_t n = hn::Lanes(df);
  const float* rows[kMaxTileRows];
  for (size_t k = 0; k < n; ++k) {
    rows[k] = job.weights + std::min(first + k, count - 1) * 32;
  }
  LoadWideTile<VF>(rows, 32, tile.x);
  if (job.importance == nullptr) {
    WeightBySquare(tile);
    return;
  }
  for (size_t k = 0; k < n; ++k) {
    const size_t b = std::min(first + k, count - 1);
    rows[k] = job.importance + b % (job.row_size / 32) * 32;
  }
  LoadWideTile<VF>(rows, 32, tile.w);
  ScaleImportance<VF, 32>(IQ4NLSigma2(tile.x), tile);
}

HWY_INLINE void QuantizeIQ4NLBlocks(const QuantizeJob& job, uint8_t* out) {
  const DF df;
  const size_t n = hn::Lanes(df);
  const size_t count = job.size() / 32;
  SubBlockTile<VF, 32> tile;
  HWY_ALIGN float scales[kMaxTileRows];
  HWY_ALIGN uint8_t levels[32];
  for (size_t first = 0; first < count; first += n) {
    LoadIQ4NLBlocks(job, first, count, tile);
    hn::Store(SearchIQ4(tile.x, tile.w), df, scales);
    for (size_t k = 0; k < std::min(n, count - first); ++k) {
      const float inverse = scales[k] != 0.0f ? 1.0f / scales[k] : 0.0f;
      IQ4Levels<32>(job.weights + (first + k) * 32, inverse, levels);
      StoreF16(scales[k], out);
      PackNibbles<16>(levels, levels + 16, out + 2);
      out += kIQ4NLBytes;
    }
  }
}

HWY_INLINE void DequantizeIQ4NLBlocks(const uint8_t* HWY_RESTRICT blocks,
                                      size_t count, float* HWY_RESTRICT out) {
  for (size_t first = 0; first < count; first += 32) {
    ScaleNibbles<16>(kIQ4, blocks + 2, LoadF16(blocks), out + first);
    blocks += kIQ4NLBytes;
  }
}

// ------------------------------------------------------------------ IQ4_XS

constexpr size_t kIQ4XSBytes = 136;
constexpr size_t kIQ4XSLevels = 8;

static HWY_NOINLINE void SearchIQ4XSRun(const Run& run,
                                        float* HWY_RESTRICT scales) {
  const DF df;
  HWY_ALIGN float sigma2[kRunBlocks];
  if (run.weighted) {
    SumSquaresOfRun(run, sigma2);
    for (float& s : sigma2) s *= 2.0f / kSuperBlock;
  }
  SubBlockTile<VF, 32> tile;
  for (size_t first = 0; first < run.count * 8; first += hn::Lanes(df)) {
    LoadSubBlocks<VF, 32>(run, first, tile.x);
    if (run.weighted) {
      WeightByImportance<VF, 32>(run, first, sigma2, tile);
    } else {
      WeightBySquare(tile);
    }
    hn::StoreU(SearchIQ4(tile.x, tile.w), df, scales + first);
  }
}

HWY_INLINE void WriteIQ4XSBlock(const float* HWY_RESTRICT x,
                                const float* HWY_RESTRICT scales,
                                uint8_t* HWY_RESTRICT block) {
  const float scale = -SignedMaxOf<8>(scales) / 32.0f;
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  StoreF16(scale, block);
  HWY_ALIGN uint8_t levels[kSuperBlock];
  uint32_t high_bits = 0;
  uint32_t low_bits = 0;
  for (size_t j = 0; j < 8; ++j) {
    const int32_t integer =
        std::clamp(NearestInt(inverse * scales[j]), -32, 31);
    const float sub_scale = scale * static_cast<float>(integer);
    IQ4Levels<32>(x + j * 32, sub_scale != 0.0f ? 1.0f / sub_scale : 0.0f,
                  levels + j * 32);
    const auto biased = static_cast<uint32_t>(integer + 32);
    low_bits |= (biased & 0xF) << (4 * j);
    high_bits |= (biased >> 4) << (2 * j);
  }
  const auto high16 = static_cast<uint16_t>(high_bits);
  std::memcpy(block + 2, &high16, sizeof(high16));
  std::memcpy(block + 4, &low_bits, sizeof(low_bits));
  for (size_t j = 0; j < 8; ++j) {
    PackNibbles<16>(levels + j * 32, levels + j * 32 + 16,
                    block + kIQ4XSLevels + j * 16);
  }
}

HWY_INLINE void QuantizeIQ4XSRuns(const QuantizeJob& job, uint8_t* out) {
  ForEachRun(job, kIQ4XSBytes, out,
             [](const Run& run, uint8_t* blocks) HWY_ATTR {
               HWY_ALIGN float scales[kRunBlocks * 8 + kMaxTileRows];
               SearchIQ4XSRun(run, scales);
               for (size_t b = 0; b < run.count; ++b) {
                 WriteIQ4XSBlock(run.weights + b * kSuperBlock, scales + b * 8,
                                 blocks + b * kIQ4XSBytes);
               }
             });
}

HWY_INLINE void DequantizeIQ4XSBlocks(const uint8_t* HWY_RESTRICT blocks,
                                      size_t count, float* HWY_RESTRICT out) {
  for (size_t first = 0; first < count; first += kSuperBlock) {
    const float scale = LoadF16(blocks);
    uint16_t high_bits;
    std::memcpy(&high_bits, blocks + 2, sizeof(high_bits));
    for (size_t j = 0; j < 8; ++j) {
      const int low = blocks[4 + j / 2] >> (4 * (j % 2)) & 0xF;
      const int high = high_bits >> (2 * j) & 3;
      const float sub_scale =
          scale * static_cast<float>((low | (high << 4)) - 32);
      ScaleNibbles<16>(kIQ4, blocks + kIQ4XSLevels + j * 16, sub_scale,
                       out + first + j * 32);
    }
    blocks += kIQ4XSBytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_IQ4_INL_H_
