// File: quant/q3_k-inl.h
//
// Q3_K: super-blocks of 16 x 16 weights, each scale * level with 3-bit levels
// in [-4, 3] and 6-bit scales in [-32, 31]. 110 bytes:
//   32 bytes of the levels' high bits, 64 bytes of their low two bits,
//   12 bytes of scales, F16 scale

#if defined(QUANT_Q3_K_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_Q3_K_INL_H_
#undef QUANT_Q3_K_INL_H_
#else
#define QUANT_Q3_K_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "quant/bit_planes-inl.h"
#include "quant/descent_search-inl.h"
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/rounding-inl.h"
#include "quant/search-inl.h"
#include "quant/super_blocks-inl.h"
#include "quant/symmetric_search-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

constexpr size_t kQ3KBytes = 110;
constexpr size_t kQ3KLowBits = 32;
constexpr size_t kQ3KScales = 96;
constexpr size_t kQ3KScale = 108;
constexpr float kQ3KMaxLevel = 4.0f;
constexpr LevelRange kQ3KRange{-4, 3, 4};

// Of each sub-block of a run.
struct Q3KScales {
  HWY_ALIGN float scale[kRunBlocks * 16] = {};
  // With importance:
  HWY_ALIGN float weight_sum[kRunBlocks * 16] = {};
  HWY_ALIGN float level_inverse[kRunBlocks * 16];
  // Without it, the descent's state; 16 levels after another.
  HWY_ALIGN float lx[kRunBlocks * 16];
  HWY_ALIGN float l2[kRunBlocks * 16];
  HWY_ALIGN float levels[kRunBlocks * kSuperBlock];
};

using DescentVectors = Pair<VF>;

// The scales of one super-block: integers with their offset of 32, and the
// scale of the scales.
struct Q3KSuperScales {
  float scale;
  uint8_t integers[16];
};

// Adds subs[k] for each row k < count that changed to `list` of `size`
// sub-blocks; returns the new size. The list may be in the place of `subs`.
template <class M>
HWY_INLINE size_t AddChanged(const M& changed, const uint16_t* subs,
                             size_t count, uint16_t* list, size_t size) {
  using W = DescentVectors;
  HWY_ALIGN float flags[MaxRowsOf<W>()];
  StoreWide(IfThenElseZero(changed, SetAll<W>(1.0f)), flags);
  for (size_t k = 0; k < count; ++k) {
    list[size] = subs[k];
    size += flags[k] != 0.0f;
  }
  return size;
}

// Starts all sub-blocks, and lists those that the descent may change; returns
// how many.
static HWY_NOINLINE size_t StartDescents(const Run& run, Q3KScales& found,
                                         uint16_t* HWY_RESTRICT list) {
  using W = DescentVectors;
  const size_t n = RowsOf<W>();
  const size_t num_subs = run.count * 16;
  DescentTile<W, 16> tile;
  HWY_ALIGN float levels[16 * MaxRowsOf<W>()];
  uint16_t subs[MaxRowsOf<W>()];
  size_t size = 0;
  for (size_t first = 0; first < num_subs; first += n) {
    LoadSubBlocks<W, 16>(run, first, tile.x);
    WeightDescent(tile);
    const Descent<W> sums = StartDescent(tile, levels);
    StoreWideTile<W>(levels, 16, found.levels + first * 16);
    StoreWide(sums.lx, found.lx + first);
    StoreWide(sums.l2, found.l2 + first);
    for (size_t k = 0; k < n; ++k) subs[k] = static_cast<uint16_t>(first + k);
    size = AddChanged(MayChange(tile, sums, levels), subs,
                      std::min(n, num_subs - first), list, size);
  }
  return size;
}

// Up to `passes` passes of the `size` sub-blocks in the list. Keeps those in it
// that changed in the last one; returns how many.
static HWY_NOINLINE size_t Descend(const Run& run, int passes, Q3KScales& found,
                                   uint16_t* list, size_t size) {
  using W = DescentVectors;
  const size_t n = RowsOf<W>();
  DescentTile<W, 16> tile;
  HWY_ALIGN float levels[16 * MaxRowsOf<W>()];
  HWY_ALIGN float level_rows[16 * MaxRowsOf<W>()];
  HWY_ALIGN float lx[MaxRowsOf<W>()];
  HWY_ALIGN float l2[MaxRowsOf<W>()];
  const float* x_rows[MaxRowsOf<W>()];
  const float* l_rows[MaxRowsOf<W>()];
  size_t kept = 0;
  for (size_t first = 0; first < size; first += n) {
    const uint16_t* subs = list + first;
    const size_t count = std::min(n, size - first);
    for (size_t k = 0; k < n; ++k) {
      const size_t sub = subs[std::min(k, count - 1)];
      x_rows[k] = run.weights + sub * 16;
      l_rows[k] = found.levels + sub * 16;
      lx[k] = found.lx[sub];
      l2[k] = found.l2[sub];
    }
    LoadWideTile<W>(x_rows, 16, tile.x);
    LoadWideTile<W>(l_rows, 16, levels);
    WeightDescent(tile);
    Descent<W> sums{LoadWide<W>(lx), LoadWide<W>(l2)};
    auto changed = DescentPass(tile, sums, levels);
    for (int pass = 1; pass < passes && !NoneSet(changed); ++pass) {
      changed = DescentPass(tile, sums, levels);
    }
    StoreWideTile<W>(levels, 16, level_rows);
    StoreWide(sums.lx, lx);
    StoreWide(sums.l2, l2);
    for (size_t k = 0; k < count; ++k) {
      std::memcpy(found.levels + subs[k] * 16, level_rows + k * 16,
                  16 * sizeof(float));
      found.lx[subs[k]] = lx[k];
      found.l2[subs[k]] = l2[k];
    }
    kept = AddChanged(changed, subs, count, list, kept);
  }
  return kept;
}

// Five passes at most. Most sub-blocks need none, most others two.
HWY_INLINE void DescendQ3KRun(const Run& run, Q3KScales& found) {
  uint16_t list[kRunBlocks * 16 + 1];
  size_t size = StartDescents(run, found, list);
  size = Descend(run, 2, found, list, size);
  Descend(run, 3, found, list, size);
  for (size_t i = 0; i < run.count * 16; i += TileRows()) {
    const Descent<VF> sums{LoadWide<VF>(found.lx + i),
                           LoadWide<VF>(found.l2 + i)};
    StoreWide(DescentScale(sums), found.scale + i);
  }
}

static HWY_NOINLINE void SearchQ3KRun(const Run& run, Q3KScales& found) {
  using W = Pair<VF>;
  HWY_ALIGN float sigma2[kRunBlocks];
  SumSquaresOfRun(run, sigma2);
  for (float& s : sigma2) s = 2.0f * s / kSuperBlock;
  SubBlockTile<W, 16> tile;
  for (size_t first = 0; first < run.count * 16; first += RowsOf<W>()) {
    LoadSubBlocks<W, 16>(run, first, tile.x);
    const W sum = WeightByImportance<W, 16>(run, first, sigma2, tile);
    StoreWide(sum, found.weight_sum + first);
    const SymmetricResult<W> result =
        SearchSymmetric<W, true, 16>(tile.x, tile.w, kQ3KMaxLevel);
    StoreWide(result.scale, found.scale + first);
    StoreWide(result.level_inverse, found.level_inverse + first);
  }
}

// Without importance the integer scales are plain roundings.
HWY_INLINE void RoundQ3KScales(const float* HWY_RESTRICT scales,
                               Q3KSuperScales& out) {
  const float max = SignedMaxOf<16>(scales);
  if (max == 0.0f) {
    out = Q3KSuperScales{};
    return;
  }
  const float inverse = -32.0f / max;
  const DF df;
  const DI di;
  for (size_t j = 0; j < 16; j += hn::Lanes(df)) {
    const VF scale = hn::Mul(hn::Set(df, inverse), hn::LoadU(df, scales + j));
    // Passes through 8 bits on its way.
    VI integer = hn::ShiftLeft<24>(NearestInts(df, scale));
    integer = hn::Max(hn::ShiftRight<24>(integer), hn::Set(di, -32));
    integer = hn::Min(integer, hn::Set(di, 31));
    StoreBytes(hn::Add(integer, hn::Set(di, 32)), out.integers + j);
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
    const SymmetricResult<VF> result =
        SearchSymmetric<VF, false, 16>(x, w, 32.0f);
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

// The levels that the search found for a sub-block: they stay where the scale
// that is stored is zero.
HWY_INLINE void SearchedLevels(const Run& run, const Q3KScales& found,
                               size_t sub, uint8_t* HWY_RESTRICT levels) {
  const float* HWY_RESTRICT x = run.weights + sub * 16;
  if (LargestMagnitude<16>(x) < kGroupMaxEpsilon) {
    std::memset(levels, 0, 16);
    return;
  }
  if (run.weighted) {
    LevelsByProduct<16>(x, 0.0f, found.level_inverse[sub], kQ3KRange, levels);
    return;
  }
  for (size_t i = 0; i < 16; ++i) {
    levels[i] = static_cast<uint8_t>(found.levels[sub * 16 + i] + kQ3KMaxLevel);
  }
}

HWY_INLINE void WriteQ3KBlock(const Run& run, size_t b, const Q3KScales& found,
                              const Q3KSuperScales& super,
                              uint8_t* HWY_RESTRICT block) {
  StoreF16(super.scale, block + kQ3KScale);
  PackQ3KScales(super.integers, block + kQ3KScales);
  const float scale = LoadF16(block + kQ3KScale);
  HWY_ALIGN uint8_t levels[kSuperBlock];
  for (size_t j = 0; j < 16; ++j) {
    const float sub_scale = scale * static_cast<float>(super.integers[j] - 32);
    if (HWY_LIKELY(sub_scale != 0.0f)) {
      LevelsByQuotient<16>(run.weights + b * kSuperBlock + j * 16, 0.0f,
                           sub_scale, kQ3KRange, levels + j * 16);
    } else {
      SearchedLevels(run, found, b * 16 + j, levels + j * 16);
    }
  }
  PackOneBit<2>(levels, block);
  PackTwoBits<0>(levels, block + kQ3KLowBits);
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
      WriteQ3KBlock(run, b, found, super[b], blocks + b * kQ3KBytes);
    }
  });
}

HWY_INLINE void DequantizeQ3KBlocks(const uint8_t* HWY_RESTRICT blocks,
                                    size_t count, float* HWY_RESTRICT out) {
  HWY_ALIGN uint8_t levels[kSuperBlock];
  for (size_t first = 0; first < count; first += kSuperBlock) {
    float scales[16];
    ReadQ3KScales(blocks, scales);
    UnpackTwoBits<0>(blocks + kQ3KLowBits, levels);
    AddOneBit<2>(blocks, levels);
    for (size_t j = 0; j < 16; ++j) {
      ScaleLevels<16, 4>(levels + j * 16, scales[j], out + first + j * 16);
    }
    blocks += kQ3KBytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_Q3_K_INL_H_
