// File: quant/q6_k-inl.h
//
// Q6_K: super-blocks of 16 x 16 weights, each scale * level with 6-bit levels
// in [-32, 31] and 8-bit scales. 210 bytes:
//   128 bytes of the levels' low nibbles, 64 bytes of their high two bits,
//   16 bytes of scales, F16 scale

#if defined(QUANT_Q6_K_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_Q6_K_INL_H_
#undef QUANT_Q6_K_INL_H_
#else
#define QUANT_Q6_K_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "quant/bit_planes-inl.h"
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/nibbles-inl.h"
#include "quant/rounding-inl.h"
#include "quant/search-inl.h"
#include "quant/super_blocks-inl.h"
#include "quant/symmetric_search-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

constexpr size_t kQ6KBytes = 210;
constexpr size_t kQ6KHighBits = 128;
constexpr size_t kQ6KScales = 192;
constexpr size_t kQ6KScale = 208;
constexpr float kQ6KMaxLevel = 32.0f;

struct Q6KScales {
  HWY_ALIGN float scale[kRunBlocks * 16];
  HWY_ALIGN float level_inverse[kRunBlocks * 16];
};

static HWY_NOINLINE void SearchQ6KRun(const Run& run, Q6KScales& found) {
  using W = Pair<VF>;
  SubBlockTile<W, 16> tile;
  for (size_t first = 0; first < run.count * 16; first += RowsOf<W>()) {
    LoadSubBlocks<W, 16>(run, first, tile.x);
    if (run.weighted) {
      LoadImportance<W, 16>(run, first, tile.w);
    } else {
      WeightBySquare(tile);
    }
    const SymmetricResult<W> result =
        SearchSymmetric<W, true, 16>(tile.x, tile.w, kQ6KMaxLevel);
    StoreWide(result.scale, found.scale + first);
    StoreWide(result.level_inverse, found.level_inverse + first);
  }
}

// The low nibbles of each half: weights i and i + 64 share byte i.
HWY_INLINE void PackQ6KLevels(const uint8_t* HWY_RESTRICT levels,
                              uint8_t* HWY_RESTRICT block) {
  PackNibbles<64>(levels, levels + 64, block);
  PackNibbles<64>(levels + 128, levels + 192, block + 64);
  PackTwoBits<4>(levels, block + kQ6KHighBits);
}

HWY_INLINE void UnpackQ6KLevels(const uint8_t* HWY_RESTRICT block,
                                uint8_t* HWY_RESTRICT levels) {
  UnpackNibbles<64>(block, levels, levels + 64);
  UnpackNibbles<64>(block + 64, levels + 128, levels + 192);
  UnpackTwoBits<4>(block + kQ6KHighBits, levels);
}

// `scales` and `level_inverse` are of the block's sub-blocks.
HWY_INLINE void WriteQ6KBlock(const float* HWY_RESTRICT x,
                              const float* HWY_RESTRICT scales,
                              const float* HWY_RESTRICT level_inverse,
                              uint8_t* HWY_RESTRICT block) {
  constexpr LevelRange kRange{-32, 31, 32};
  const float max = SignedMaxOf<16>(scales);
  if (std::fabs(max) < kGroupMaxEpsilon) {
    std::memset(block, 0, kQ6KBytes);
    return;
  }
  const float inverse = -128.0f / max;
  StoreF16(1.0f / inverse, block + kQ6KScale);
  const float scale = LoadF16(block + kQ6KScale);
  HWY_ALIGN uint8_t levels[kSuperBlock];
  for (size_t j = 0; j < 16; ++j) {
    const auto integer = static_cast<int8_t>(
        std::min<int32_t>(127, NearestInt(inverse * scales[j])));
    block[kQ6KScales + j] = static_cast<uint8_t>(integer);
    const float sub_scale = scale * static_cast<float>(integer);
    if (sub_scale != 0.0f) {
      LevelsByQuotient<16>(x + j * 16, 0.0f, sub_scale, kRange,
                           levels + j * 16);
    } else if (level_inverse[j] != 0.0f) {
      LevelsByProduct<16>(x + j * 16, 0.0f, level_inverse[j], kRange,
                          levels + j * 16);
    } else {
      std::memset(levels + j * 16, 0, 16);
    }
  }
  PackQ6KLevels(levels, block);
}

HWY_INLINE void QuantizeQ6KRuns(const QuantizeJob& job, uint8_t* out) {
  ForEachRun(job, kQ6KBytes, out, [](const Run& run, uint8_t* blocks) HWY_ATTR {
    Q6KScales found;
    SearchQ6KRun(run, found);
    for (size_t b = 0; b < run.count; ++b) {
      WriteQ6KBlock(run.weights + b * kSuperBlock, found.scale + b * 16,
                    found.level_inverse + b * 16, blocks + b * kQ6KBytes);
    }
  });
}

HWY_INLINE void DequantizeQ6KBlocks(const uint8_t* HWY_RESTRICT blocks,
                                    size_t count, float* HWY_RESTRICT out) {
  HWY_ALIGN uint8_t levels[kSuperBlock];
  for (size_t first = 0; first < count; first += kSuperBlock) {
    const float scale = LoadF16(blocks + kQ6KScale);
    UnpackQ6KLevels(blocks, levels);
    for (size_t j = 0; j < 16; ++j) {
      const auto integer = static_cast<int8_t>(blocks[kQ6KScales + j]);
      ScaleLevels<16, 32>(levels + j * 16, scale * static_cast<float>(integer),
                          out + first + j * 16);
    }
    blocks += kQ6KBytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_Q6_K_INL_H_
