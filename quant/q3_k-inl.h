// File: quant/q3_k-inl.h
//
// The kernels of Q3_K, see q3_k.h.

#if defined(QUANT_Q3_K_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_Q3_K_INL_H_
#undef QUANT_Q3_K_INL_H_
#else
#define QUANT_Q3_K_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/search-inl.h"
#include "quant/super_blocks-inl.h"
#include "quant/two_bits-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

constexpr size_t kQ3KBytes = 110;
constexpr size_t kQ3KLowBits = 32;
constexpr size_t kQ3KScales = 96;
constexpr size_t kQ3KScale = 108;
constexpr float kQ3KMaxLevel = 4.0f;
constexpr LevelRange kQ3KRange{-4, 3, 4};

// Of each sub-block of a run; `levels` are those of the search.
struct Q3KScales {
  HWY_ALIGN float scale[kRunBlocks * 16] = {};
  HWY_ALIGN float weight_sum[kRunBlocks * 16] = {};
  HWY_ALIGN uint8_t levels[kRunBlocks * kSuperBlock];
};

// The scales of one super-block: integers with their offset of 32, and the
// scale of the scales.
struct Q3KSuperScales {
  float scale;
  uint8_t integers[16];
};

static HWY_NOINLINE void DescendQ3KRun(const Run& run, Q3KScales& found) {
  const DF df;
  const size_t n = hn::Lanes(df);
  HWY_ALIGN float x[16 * kMaxTileRows];
  HWY_ALIGN float levels[16 * kMaxTileRows];
  for (size_t first = 0; first < run.count * 16; first += n) {
    LoadSubBlocks<16>(run, first, x);
    hn::StoreU(DescendSymmetric<16>(x, kQ3KMaxLevel, levels), df,
               found.scale + first);
    for (size_t k = 0; k < n; ++k) {
      for (size_t i = 0; i < 16; ++i) {
        found.levels[(first + k) * 16 + i] =
            static_cast<uint8_t>(levels[i * n + k]);
      }
    }
  }
}

static HWY_NOINLINE void SearchQ3KRun(const Run& run, Q3KScales& found) {
  const DF df;
  HWY_ALIGN float sigma2[kRunBlocks];
  SumSquaresOfRun(run, sigma2);
  for (float& s : sigma2) s = 2.0f * s / kSuperBlock;
  SubBlockTile<16> tile;
  HWY_ALIGN float level_inverse[kMaxTileRows];
  for (size_t first = 0; first < run.count * 16; first += hn::Lanes(df)) {
    LoadSubBlocks<16>(run, first, tile.x);
    const VF sum = WeightByImportance<16>(run, first, sigma2, tile);
    hn::StoreU(sum, df, found.weight_sum + first);
    const SymmetricResult result =
        SearchSymmetric<true, 16>(tile.x, tile.w, kQ3KMaxLevel);
    hn::StoreU(result.scale, df, found.scale + first);
    hn::Store(result.level_inverse, df, level_inverse);
    for (size_t k = 0; k < hn::Lanes(df); ++k) {
      uint8_t* levels = found.levels + (first + k) * 16;
      if (level_inverse[k] != 0.0f) {
        LevelsByProduct<16>(run.weights + (first + k) * 16, 0.0f,
                            level_inverse[k], kQ3KRange, levels);
      } else {
        std::memset(levels, 0, 16);
      }
    }
  }
}

// Without importance the integer scales are plain roundings.
HWY_INLINE void RoundQ3KScales(const float* HWY_RESTRICT scales,
                               Q3KSuperScales& out) {
  float max = 0.0f;
  float magnitude = 0.0f;
  for (size_t j = 0; j < 16; ++j) {
    const float a = std::fabs(scales[j]);
    if (a > magnitude) {
      magnitude = a;
      max = scales[j];
    }
  }
  if (max == 0.0f) {
    out = Q3KSuperScales{};
    return;
  }
  const float inverse = -32.0f / max;
  for (size_t j = 0; j < 16; ++j) {
    const auto integer = static_cast<int8_t>(NearestInt(inverse * scales[j]));
    out.integers[j] =
        static_cast<uint8_t>(std::clamp<int32_t>(integer, -32, 31) + 32);
  }
  out.scale = 1.0f / inverse;
}

// With importance they are searched, one super-block in a lane.
static HWY_NOINLINE void SearchQ3KScales(const Run& run, const Q3KScales& found,
                                         Q3KSuperScales* HWY_RESTRICT out) {
  const DF df;
  const size_t n = hn::Lanes(df);
  HWY_ALIGN float x[16 * kMaxTileRows];
  HWY_ALIGN float w[16 * kMaxTileRows];
  HWY_ALIGN float scale[kMaxTileRows];
  HWY_ALIGN float inverse[kMaxTileRows];
  for (size_t first = 0; first < run.count; first += n) {
    TileOfSuperBlocks<16>(found.scale, first, x);
    TileOfSuperBlocks<16>(found.weight_sum, first, w);
    const SymmetricResult result = SearchSymmetric<false, 16>(x, w, 32.0f);
    hn::Store(result.scale, df, scale);
    hn::Store(result.level_inverse, df, inverse);
    for (size_t k = 0; k < std::min(n, run.count - first); ++k) {
      Q3KSuperScales& super = out[first + k];
      super.scale = scale[k];
      for (size_t j = 0; j < 16; ++j) {
        const int32_t integer = NearestInt(inverse[k] * x[j * n + k]);
        super.integers[j] =
            inverse[k] == 0.0f
                ? 0
                : static_cast<uint8_t>(std::clamp(integer, -32, 31) + 32);
      }
    }
  }
}

// 16 6-bit integers: low nibbles of j and j + 8 in byte j, high bits of
// j, j + 4, j + 8 and j + 12 in byte 8 + j.
HWY_INLINE void PackQ3KScales(const uint8_t* HWY_RESTRICT integers,
                              uint8_t* HWY_RESTRICT packed) {
  for (size_t j = 0; j < 8; ++j) {
    packed[j] = static_cast<uint8_t>((integers[j] & 0xF) |
                                     ((integers[j + 8] & 0xF) << 4));
  }
  for (size_t j = 0; j < 4; ++j) {
    packed[8 + j] = static_cast<uint8_t>(
        (integers[j] >> 4) | (integers[j + 4] >> 4 << 2) |
        (integers[j + 8] >> 4 << 4) | (integers[j + 12] >> 4 << 6));
  }
}

HWY_INLINE void ReadQ3KScales(const uint8_t* HWY_RESTRICT block,
                              float* HWY_RESTRICT scales) {
  const float scale = LoadF16(block + kQ3KScale);
  const uint8_t* HWY_RESTRICT packed = block + kQ3KScales;
  for (size_t j = 0; j < 16; ++j) {
    const int low = j < 8 ? packed[j] & 0xF : packed[j - 8] >> 4;
    const int high = (packed[8 + j % 4] >> (2 * (j / 4))) & 3;
    scales[j] = scale * static_cast<float>((low | (high << 4)) - 32);
  }
}

// Bit j of byte i is the high bit of weight j * 32 + i.
HWY_INLINE void PackQ3KHighBits(const uint8_t* HWY_RESTRICT levels,
                                uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint8_t, 32> d8;
  const auto top = hn::Set(d8, 0x80);
  for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
    auto bits = hn::Zero(d8);
    for (size_t j = 0; j < 8; ++j) {
      const auto level = hn::LoadU(d8, levels + j * 32 + i);
      bits = hn::Or(hn::ShiftRight<1>(bits),
                    hn::And(hn::ShiftLeft<5>(level), top));
    }
    hn::StoreU(bits, d8, out + i);
  }
}

// Levels in [-4, 3].
HWY_INLINE void UnpackQ3KLevels(const uint8_t* HWY_RESTRICT block,
                                int8_t* HWY_RESTRICT levels) {
  HWY_ALIGN uint8_t low[kSuperBlock];
  UnpackTwoBits(block + kQ3KLowBits, low);
  const hn::CappedTag<uint8_t, 32> d8;
  const hn::RebindToSigned<decltype(d8)> di8;
  const auto four = hn::Set(d8, 4);
  for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
    auto bits = hn::LoadU(d8, block + i);
    for (size_t j = 0; j < 8; ++j) {
      const auto high = hn::And(hn::ShiftLeft<2>(bits), four);
      const auto level = hn::Or(hn::LoadU(d8, low + j * 32 + i), high);
      hn::StoreU(hn::BitCast(di8, hn::Sub(level, four)), di8,
                 levels + j * 32 + i);
      bits = hn::ShiftRight<1>(bits);
    }
  }
}

// `levels` are those of the search, and stay where the stored scale is zero.
HWY_INLINE void WriteQ3KBlock(const float* HWY_RESTRICT x,
                              const Q3KSuperScales& super,
                              uint8_t* HWY_RESTRICT levels,
                              uint8_t* HWY_RESTRICT block) {
  StoreF16(super.scale, block + kQ3KScale);
  PackQ3KScales(super.integers, block + kQ3KScales);
  float scales[16];
  ReadQ3KScales(block, scales);
  for (size_t j = 0; j < 16; ++j) {
    if (scales[j] != 0.0f) {
      LevelsByQuotient<16>(x + j * 16, 0.0f, scales[j], kQ3KRange,
                           levels + j * 16);
    }
  }
  PackQ3KHighBits(levels, block);
  PackTwoBits(levels, block + kQ3KLowBits);
}

HWY_INLINE void QuantizeQ3KRuns(const QuantizeJob& job, uint8_t* out) {
  ForEachRun(job, kQ3KBytes, out, [](const Run& run, uint8_t* blocks) HWY_ATTR {
    Q3KScales found;
    Q3KSuperScales super[kRunBlocks];
    if (run.weighted) {
      SearchQ3KRun(run, found);
      SearchQ3KScales(run, found, super);
    } else {
      DescendQ3KRun(run, found);
    }
    for (size_t b = 0; b < run.count; ++b) {
      if (!run.weighted) RoundQ3KScales(found.scale + b * 16, super[b]);
      WriteQ3KBlock(run.weights + b * kSuperBlock, super[b],
                    found.levels + b * kSuperBlock, blocks + b * kQ3KBytes);
    }
  });
}

HWY_INLINE void DequantizeQ3KBlocks(const uint8_t* HWY_RESTRICT blocks,
                                    size_t count, float* HWY_RESTRICT out) {
  HWY_ALIGN int8_t levels[kSuperBlock];
  for (size_t first = 0; first < count; first += kSuperBlock) {
    float scales[16];
    ReadQ3KScales(blocks, scales);
    UnpackQ3KLevels(blocks, levels);
    for (size_t j = 0; j < 16; ++j) {
      ScaleLevels<16>(levels + j * 16, scales[j], out + first + j * 16);
    }
    blocks += kQ3KBytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_Q3_K_INL_H_
