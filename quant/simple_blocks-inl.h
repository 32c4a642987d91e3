// File: quant/simple_blocks-inl.h
//
// Blocks of 32 weights with one scale, found without a search unless there is
// importance.
// Q4_0, Q4_1: 4-bit levels; scale * (level - 8) in 18 bytes, or scale * level +
// minimum in 20:
//   F16 scale, (Q4_1: F16 minimum,) 16 bytes of levels
// Q5_0, Q5_1: 5-bit levels; scale * (level - 16) in 22 bytes, or scale * level
// + minimum in 24:
//   F16 scale, (Q5_1: F16 minimum,) 4 bytes of the levels' high bits,
//   16 bytes of their low nibbles
// Q8_0: 8-bit levels; scale * level in 34 bytes:
//   F16 scale, 32 bytes of levels

#if defined(QUANT_SIMPLE_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_SIMPLE_BLOCKS_INL_H_
#undef QUANT_SIMPLE_BLOCKS_INL_H_
#else
#define QUANT_SIMPLE_BLOCKS_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "quant/affine_search-inl.h"
#include "quant/codec.h"
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/nibbles-inl.h"
#include "quant/rounding-inl.h"
#include "quant/super_blocks-inl.h"
#include "quant/symmetric_search-inl.h"
#include "quant/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

constexpr size_t kBlock = 32;

// F16 scale, (F16 minimum,) (32 high bits,) 16 bytes of low nibbles.
template <int kLevelBits, bool kHasMinimum>
struct SimpleFormat {
  static constexpr bool kMinimum = kHasMinimum;
  static constexpr bool kHighBit = kLevelBits == 5;
  static constexpr int kHalf = 1 << (kLevelBits - 1);
  static constexpr int kMaxLevel = (1 << kLevelBits) - 1;
  static constexpr size_t kLevels = kHasMinimum ? 4 : 2;
  static constexpr size_t kNibbles = kLevels + (kHighBit ? 4 : 0);
  static constexpr size_t kBytes = kNibbles + 16;
};
using Q40Format = SimpleFormat<4, false>;
using Q41Format = SimpleFormat<4, true>;
using Q50Format = SimpleFormat<5, false>;
using Q51Format = SimpleFormat<5, true>;

// Bit i of the high bits is bit 4 of level i.
HWY_INLINE void PackHighBits(const uint8_t* HWY_RESTRICT levels,
                             uint8_t* HWY_RESTRICT out) {
  uint32_t bits = 0;
#if HWY_TARGET == HWY_SCALAR
  for (size_t i = 0; i < kBlock; ++i) bits |= uint32_t{levels[i]} >> 4 << i;
#else
  const hn::CappedTag<uint8_t, kBlock> d8;
  uint8_t bytes[16];  // as StoreMaskBits may write 8 at once
  for (size_t i = 0; i < kBlock; i += hn::Lanes(d8)) {
    const auto level = hn::LoadU(d8, levels + i);
    const auto is_set = hn::TestBit(level, hn::Set(d8, 0x10));
    hn::StoreMaskBits(d8, is_set, bytes + i / 8);
  }
  std::memcpy(&bits, bytes, sizeof(bits));
#endif
  std::memcpy(out, &bits, sizeof(bits));
}

// Adds what PackHighBits took away. 8 bytes of `in` must be readable.
HWY_INLINE void AddHighBits(const uint8_t* HWY_RESTRICT in,
                            uint8_t* HWY_RESTRICT levels) {
#if HWY_TARGET == HWY_SCALAR
  for (size_t i = 0; i < kBlock; ++i)
    levels[i] |= (in[i / 8] >> i % 8 & 1) << 4;
#else
  // As long as the vectors that were stored: longer ones would wait for both.
  const hn::CappedTag<uint8_t, 16> d8;
  for (size_t i = 0; i < kBlock; i += hn::Lanes(d8)) {
    const auto is_set = hn::LoadMaskBits(d8, in + i / 8);
    const auto bit = hn::IfThenElseZero(is_set, hn::Set(d8, 0x10));
    hn::StoreU(hn::Or(hn::LoadU(d8, levels + i), bit), d8, levels + i);
  }
#endif
}

// `levels` in [0, 31]; weights i and i + 16 share a byte.
template <class Format>
HWY_INLINE void PackBlock(const uint8_t* HWY_RESTRICT levels,
                          uint8_t* HWY_RESTRICT block) {
  PackNibbles<16>(levels, levels + 16, block + Format::kNibbles);
  if constexpr (Format::kHighBit) {
    PackHighBits(levels, block + Format::kLevels);
  }
}

template <class Format>
HWY_INLINE void UnpackBlock(const uint8_t* HWY_RESTRICT block,
                            uint8_t* HWY_RESTRICT levels) {
  UnpackNibbles<16>(block + Format::kNibbles, levels, levels + 16);
  if constexpr (Format::kHighBit) AddHighBits(block + Format::kLevels, levels);
}

// ------------------------------------------------------- without importance

struct Extremes {
  float low;
  float high;
};

HWY_INLINE Extremes FindExtremes(const float* HWY_RESTRICT x) {
  const DF df;
  VF low = hn::LoadU(df, x);
  VF high = low;
  for (size_t i = hn::Lanes(df); i < kBlock; i += hn::Lanes(df)) {
    const VF v = hn::LoadU(df, x + i);
    low = hn::Min(low, v);
    high = hn::Max(high, v);
  }
  return Extremes{hn::ReduceMin(df, low), hn::ReduceMax(df, high)};
}

// The weight of largest magnitude, the first of several, zero if all are.
HWY_INLINE float SignedMaxOfBlock(const float* HWY_RESTRICT x) {
  const Extremes extremes = FindExtremes(x);
  if (extremes.high > -extremes.low) return extremes.high;
  if (extremes.high < -extremes.low) return extremes.low;
  return SignedMaxOf<kBlock>(x);
}

// The extremes, each the first of several: the sign of a zero is stored.
HWY_INLINE Extremes ExtremesKeepFirst(const float* HWY_RESTRICT x) {
  Extremes extremes = FindExtremes(x);
  if (HWY_UNLIKELY(extremes.low == 0.0f)) {
    extremes = Extremes{x[0], x[0]};
    for (size_t i = 1; i < kBlock; ++i) {
      if (x[i] < extremes.low) extremes.low = x[i];
      if (x[i] > extremes.high) extremes.high = x[i];
    }
  }
  return extremes;
}

// level = trunc((x - min) * inverse + bias), at most kMaxLevel.
template <int kMaxLevel>
HWY_INLINE void TruncateLevels(const float* HWY_RESTRICT x, float min,
                               float inverse, float bias,
                               uint8_t* HWY_RESTRICT levels) {
  const DF df;
  const DI di;
  for (size_t i = 0; i < kBlock; i += hn::Lanes(df)) {
    const VF shifted = hn::Sub(hn::LoadU(df, x + i), hn::Set(df, min));
    const VF v =
        hn::Add(hn::Mul(shifted, hn::Set(df, inverse)), hn::Set(df, bias));
    const VI level =
        hn::Min(hn::ConvertInRangeTo(di, v), hn::Set(di, kMaxLevel));
    StoreBytes(level, levels + i);
  }
}

template <class Format>
HWY_INLINE void QuantizePlainBlock(const float* HWY_RESTRICT x,
                                   uint8_t* HWY_RESTRICT block) {
  float scale;
  float min = 0.0f;
  float bias = 0.5f;
  if constexpr (Format::kMinimum) {
    const Extremes extremes = ExtremesKeepFirst(x);
    min = extremes.low;
    scale = (extremes.high - min) / Format::kMaxLevel;
    StoreF16(min, block + 2);
  } else {
    scale = SignedMaxOfBlock(x) / -Format::kHalf;
    bias += Format::kHalf;
  }
  StoreF16(scale, block);
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  HWY_ALIGN uint8_t levels[kBlock];
  if (HWY_LIKELY(std::isfinite(inverse) && std::isfinite(scale))) {
    TruncateLevels<Format::kMaxLevel>(x, min, inverse, bias, levels);
  } else {
    // A scale that has no inverse or is none: the quotients are infinities
    // and NaN, whose conversion to an integer leaves zero in the low bits.
    std::memset(levels, 0, kBlock);
  }
  PackBlock<Format>(levels, block);
}

// ---------------------------------------------------------- with importance

// A few whole rows and the weights of their columns.
struct RowGroup {
  const float* weights;
  const float* importance;
  size_t blocks_per_row;
  size_t count;         // of blocks
  const float* sigma2;  // of each row
};

// The vectors that blocks are searched in, and the most blocks in them.
using BlockVectors = Pair<VF>;
constexpr size_t kMaxBlocks = MaxRowsOf<BlockVectors>();
using BlockTile = SubBlockTile<BlockVectors, kBlock>;

// Loads the blocks from `first` on, the last one filling up, and weights them.
HWY_INLINE void LoadBlocks(const RowGroup& group, size_t first,
                           BlockTile& tile) {
  const float* x_rows[kMaxBlocks];
  const float* w_rows[kMaxBlocks];
  HWY_ALIGN float sigma2[kMaxBlocks];
  for (size_t k = 0; k < RowsOf<BlockVectors>(); ++k) {
    const size_t b = std::min(first + k, group.count - 1);
    x_rows[k] = group.weights + b * kBlock;
    w_rows[k] = group.importance + b % group.blocks_per_row * kBlock;
    sigma2[k] = group.sigma2[b / group.blocks_per_row];
  }
  LoadWideTile<BlockVectors>(x_rows, kBlock, tile.x);
  LoadWideTile<BlockVectors>(w_rows, kBlock, tile.w);
  ScaleImportance<BlockVectors, kBlock>(LoadWide<BlockVectors>(sigma2), tile);
}

// What the search found for each block.
struct FoundBlocks {
  HWY_ALIGN float scale[kMaxBlocks];
  HWY_ALIGN float min[kMaxBlocks];
  HWY_ALIGN float level_inverse[kMaxBlocks];
  HWY_ALIGN float level_min[kMaxBlocks];
};

template <class Format>
HWY_NOINLINE void SearchBlocks(const BlockTile& tile, FoundBlocks& found) {
  using W = BlockVectors;
  if constexpr (Format::kMinimum) {
    constexpr AffineSearch kSearch{Format::kMaxLevel, -0.9f, 0.05f, 36};
    const AffineResult<W> result =
        SearchAffine<W, false, kBlock>(tile.x, tile.w, kSearch);
    StoreWide(result.scale, found.scale);
    StoreWide(Neg(result.negative_min), found.min);
    StoreWide(result.level_inverse, found.level_inverse);
    StoreWide(result.level_min, found.level_min);
  } else {
    const SymmetricResult<W> result =
        SearchSymmetric<W, true, kBlock>(tile.x, tile.w, Format::kHalf);
    StoreWide(result.scale, found.scale);
    StoreWide(result.level_inverse, found.level_inverse);
  }
}

template <class Format>
HWY_INLINE void WriteFoundBlock(const float* HWY_RESTRICT x,
                                const FoundBlocks& found, size_t k,
                                uint8_t* HWY_RESTRICT block) {
  HWY_ALIGN uint8_t levels[kBlock];
  StoreF16(found.scale[k], block);
  if constexpr (Format::kMinimum) {
    constexpr LevelRange kRange{0, Format::kMaxLevel, 0};
    StoreF16(found.min[k], block + 2);
    LevelsByProduct<kBlock>(x, found.level_min[k], found.level_inverse[k],
                            kRange, levels);
  } else {
    constexpr int kHalf = Format::kHalf;
    constexpr LevelRange kRange{-kHalf, kHalf - 1, kHalf};
    LevelsByProduct<kBlock>(x, 0.0f, found.level_inverse[k], kRange, levels);
    if (found.level_inverse[k] == 0.0f) std::memset(levels, 0, kBlock);
  }
  PackBlock<Format>(levels, block);
}

template <class Format>
HWY_INLINE void QuantizeWeighted(const QuantizeJob& job, uint8_t* out) {
  const DF df;
  const size_t n = hn::Lanes(df);
  HWY_ALIGN float sigma2[kMaxTileRows];
  const float* rows[kMaxTileRows];
  BlockTile tile;
  FoundBlocks found;
  for (size_t row = 0; row < job.num_rows; row += n) {
    const size_t num_rows = std::min(n, job.num_rows - row);
    for (size_t k = 0; k < n; ++k) {
      rows[k] = job.weights + (row + std::min(k, num_rows - 1)) * job.row_size;
    }
    const VF length = hn::Set(df, static_cast<float>(job.row_size));
    hn::Store(hn::Div(SumSquares(rows, job.row_size), length), df, sigma2);
    const size_t per_row = job.row_size / kBlock;
    const RowGroup group{rows[0], job.importance, per_row, num_rows * per_row,
                         sigma2};
    const size_t per_tile = RowsOf<BlockVectors>();
    for (size_t first = 0; first < group.count; first += per_tile) {
      LoadBlocks(group, first, tile);
      SearchBlocks<Format>(tile, found);
      for (size_t k = 0; k < std::min(per_tile, group.count - first); ++k) {
        WriteFoundBlock<Format>(group.weights + (first + k) * kBlock, found, k,
                                out);
        out += Format::kBytes;
      }
    }
  }
}

template <class Format>
HWY_INLINE void QuantizeSimple(const QuantizeJob& job, uint8_t* out) {
  if (job.importance != nullptr) {
    QuantizeWeighted<Format>(job, out);
    return;
  }
  const size_t count = job.size() / kBlock;
  for (size_t b = 0; b < count; ++b) {
    QuantizePlainBlock<Format>(job.weights + b * kBlock,
                               out + b * Format::kBytes);
  }
}

template <class Format>
HWY_INLINE void DequantizeSimple(const uint8_t* HWY_RESTRICT blocks,
                                 size_t count, float* HWY_RESTRICT out) {
  for (size_t first = 0; first < count; first += kBlock) {
    HWY_ALIGN uint8_t levels[kBlock];
    UnpackBlock<Format>(blocks, levels);
    const float scale = LoadF16(blocks);
    if constexpr (Format::kMinimum) {
      ScaleShiftLevels<kBlock>(levels, scale, LoadF16(blocks + 2), out + first);
    } else {
      ScaleLevels<kBlock, Format::kHalf>(levels, scale, out + first);
    }
    blocks += Format::kBytes;
  }
}

// ------------------------------------------------------------------- Q8_0

constexpr size_t kQ80Bytes = 2 + kBlock;

HWY_INLINE void QuantizeQ80Blocks(const QuantizeJob& job, uint8_t* out) {
  const DF df;
  const hn::Rebind<int8_t, DF> di8;
  const size_t count = job.size() / kBlock;
  for (size_t b = 0; b < count; ++b) {
    const float* HWY_RESTRICT x = job.weights + b * kBlock;
    const float scale = LargestMagnitude<kBlock>(x) / 127.0f;
    float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
    // Infinities and NaN convert to integers whose low byte is zero.
    if (HWY_UNLIKELY(!std::isfinite(inverse))) inverse = 0.0f;
    StoreF16(scale, out);
    auto* HWY_RESTRICT levels = reinterpret_cast<int8_t*>(out + 2);
    for (size_t i = 0; i < kBlock; i += hn::Lanes(df)) {
      const VF v = hn::Mul(hn::LoadU(df, x + i), hn::Set(df, inverse));
      hn::StoreU(hn::DemoteTo(di8, RoundAway(v)), di8, levels + i);
    }
    out += kQ80Bytes;
  }
}

HWY_INLINE void DequantizeQ80Blocks(const uint8_t* HWY_RESTRICT blocks,
                                    size_t count, float* HWY_RESTRICT out) {
  for (size_t first = 0; first < count; first += kBlock) {
    ScaleLevels<kBlock, 0>(reinterpret_cast<const int8_t*>(blocks + 2),
                           LoadF16(blocks), out + first);
    blocks += kQ80Bytes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_SIMPLE_BLOCKS_INL_H_
