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
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/search-inl.h"
#include "quant/super_blocks-inl.h"

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

// The scale of largest magnitude, the first of several.
HWY_INLINE float SignedMaxOf16(const float* HWY_RESTRICT scales) {
  float max = 0.0f;
  float magnitude = 0.0f;
  for (size_t j = 0; j < 16; ++j) {
    const float a = std::fabs(scales[j]);
    if (a > magnitude) {
      magnitude = a;
      max = scales[j];
    }
  }
  return max;
}

// Weights i, i + 32, i + 64, i + 96 of each half are neighbours: the low
// nibbles of the first and third share a byte, so do those of the second and
// fourth, and the high bits of all four.
HWY_INLINE void PackQ6KLevels(const uint8_t* HWY_RESTRICT levels,
                              uint8_t* HWY_RESTRICT block) {
  const hn::CappedTag<uint8_t, 32> d8;
  const auto low = hn::Set(d8, 0x0F);
  for (size_t half = 0; half < 2; ++half) {
    for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
      const uint8_t* HWY_RESTRICT l = levels + half * 128 + i;
      const auto a = hn::LoadU(d8, l);
      const auto b = hn::LoadU(d8, l + 32);
      const auto c = hn::LoadU(d8, l + 64);
      const auto d = hn::LoadU(d8, l + 96);
      uint8_t* HWY_RESTRICT ql = block + half * 64 + i;
      hn::StoreU(hn::Or(hn::And(a, low), hn::ShiftLeft<4>(c)), d8, ql);
      hn::StoreU(hn::Or(hn::And(b, low), hn::ShiftLeft<4>(d)), d8, ql + 32);
      const auto ab =
          hn::Or(hn::ShiftRight<4>(a), hn::ShiftLeft<2>(hn::ShiftRight<4>(b)));
      const auto cd =
          hn::Or(hn::ShiftRight<4>(c), hn::ShiftLeft<2>(hn::ShiftRight<4>(d)));
      hn::StoreU(hn::Or(ab, hn::ShiftLeft<4>(cd)), d8,
                 block + kQ6KHighBits + half * 32 + i);
    }
  }
}

HWY_INLINE void UnpackQ6KLevels(const uint8_t* HWY_RESTRICT block,
                                int8_t* HWY_RESTRICT levels) {
  const hn::CappedTag<uint8_t, 32> d8;
  const hn::RebindToSigned<decltype(d8)> di8;
  const auto low = hn::Set(d8, 0x0F);
  const auto high = hn::Set(d8, 0x30);
  const auto offset = hn::Set(di8, 32);
  for (size_t half = 0; half < 2; ++half) {
    for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
      const auto ac = hn::LoadU(d8, block + half * 64 + i);
      const auto bd = hn::LoadU(d8, block + half * 64 + 32 + i);
      const auto h = hn::LoadU(d8, block + kQ6KHighBits + half * 32 + i);
      const auto a =
          hn::Or(hn::And(ac, low), hn::And(hn::ShiftLeft<4>(h), high));
      const auto b =
          hn::Or(hn::And(bd, low), hn::And(hn::ShiftLeft<2>(h), high));
      const auto c = hn::Or(hn::ShiftRight<4>(ac), hn::And(h, high));
      const auto d =
          hn::Or(hn::ShiftRight<4>(bd), hn::And(hn::ShiftRight<2>(h), high));
      int8_t* HWY_RESTRICT l = levels + half * 128 + i;
      hn::StoreU(hn::Sub(hn::BitCast(di8, a), offset), di8, l);
      hn::StoreU(hn::Sub(hn::BitCast(di8, b), offset), di8, l + 32);
      hn::StoreU(hn::Sub(hn::BitCast(di8, c), offset), di8, l + 64);
      hn::StoreU(hn::Sub(hn::BitCast(di8, d), offset), di8, l + 96);
    }
  }
}

// `scales` and `level_inverse` are of the block's sub-blocks.
HWY_INLINE void WriteQ6KBlock(const float* HWY_RESTRICT x,
                              const float* HWY_RESTRICT scales,
                              const float* HWY_RESTRICT level_inverse,
                              uint8_t* HWY_RESTRICT block) {
  constexpr LevelRange kRange{-32, 31, 32};
  const float max = SignedMaxOf16(scales);
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
  HWY_ALIGN int8_t levels[kSuperBlock];
  for (size_t first = 0; first < count; first += kSuperBlock) {
    const float scale = LoadF16(blocks + kQ6KScale);
    UnpackQ6KLevels(blocks, levels);
    for (size_t j = 0; j < 16; ++j) {
      const auto integer = static_cast<int8_t>(blocks[kQ6KScales + j]);
      ScaleLevels<16>(levels + j * 16, scale * static_cast<float>(integer),
                      out + first + j * 16);
    }
    blocks += kQ6KBytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_Q6_K_INL_H_
