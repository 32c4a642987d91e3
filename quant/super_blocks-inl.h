// File: quant/super_blocks-inl.h
//
// A run of super-blocks, the unit of work of the K formats: up to 16, so that
// their scales, too, can be searched with one super-block in a lane.

#if defined(QUANT_SUPER_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_SUPER_BLOCKS_INL_H_
#undef QUANT_SUPER_BLOCKS_INL_H_
#else
#define QUANT_SUPER_BLOCKS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "quant/codec.h"
#include "quant/tile-inl.h"
#include "quant/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

constexpr size_t kRunBlocks = 16;

struct Run {
  const float* weights;  // count * kSuperBlock
  size_t count;          // 1 .. kRunBlocks
  bool weighted;
  const float* importance[kRunBlocks];  // of each super-block, if weighted
};

// Calls quantize(run, out) for one run after the other. Runs go over the ends
// of rows.
template <class QuantizeRun>
HWY_INLINE void ForEachRun(const QuantizeJob& job, size_t block_bytes,
                           uint8_t* out, const QuantizeRun& quantize) {
  const size_t blocks_per_row = job.row_size / kSuperBlock;
  const size_t total = job.num_rows * blocks_per_row;
  for (size_t first = 0; first < total; first += kRunBlocks) {
    Run run;
    run.weights = job.weights + first * kSuperBlock;
    run.count = std::min(kRunBlocks, total - first);
    run.weighted = job.importance != nullptr;
    for (size_t b = 0; run.weighted && b < run.count; ++b) {
      run.importance[b] =
          job.importance + (first + b) % blocks_per_row * kSuperBlock;
    }
    quantize(run, out + first * block_bytes);
  }
}

// The sum of squares of each super-block.
HWY_INLINE void SumSquaresOfRun(const Run& run,
                                float* HWY_RESTRICT sums /*[kRunBlocks]*/) {
  const DF df;
  const size_t n = hn::Lanes(df);
  const float* rows[kMaxTileRows];
  for (size_t first = 0; first < run.count; first += n) {
    for (size_t k = 0; k < n; ++k) {
      rows[k] = run.weights + std::min(first + k, run.count - 1) * kSuperBlock;
    }
    hn::StoreU(SumSquares(rows, kSuperBlock), df, sums + first);
  }
}

// A tile of sub-blocks and of what their errors are weighted by.
template <class W, size_t kLength>
struct SubBlockTile {
  HWY_ALIGN float x[kLength * MaxRowsOf<W>()];
  HWY_ALIGN float w[kLength * MaxRowsOf<W>()];
};

// Loads the sub-blocks of the run from `first` on; the last one fills up.
template <class W, size_t kLength>
HWY_INLINE void LoadSubBlocks(const Run& run, size_t first,
                              float* HWY_RESTRICT tile) {
  const size_t last = run.count * (kSuperBlock / kLength) - 1;
  const float* rows[MaxRowsOf<W>()];
  for (size_t k = 0; k < RowsOf<W>(); ++k) {
    rows[k] = run.weights + std::min(first + k, last) * kLength;
  }
  LoadWideTile<W>(rows, kLength, tile);
}

template <class W, size_t kLength>
HWY_INLINE void LoadImportance(const Run& run, size_t first,
                               float* HWY_RESTRICT tile) {
  constexpr size_t kPerSuper = kSuperBlock / kLength;
  const size_t last = run.count * kPerSuper - 1;
  const float* rows[MaxRowsOf<W>()];
  for (size_t k = 0; k < RowsOf<W>(); ++k) {
    const size_t sub = std::min(first + k, last);
    rows[k] = run.importance[sub / kPerSuper] + sub % kPerSuper * kLength;
  }
  LoadWideTile<W>(rows, kLength, tile);
}

// w = importance * sqrt(sigma2 + x * x), with a sigma2 for each row; returns
// the sum of each row's weights.
template <class W, size_t kLength>
HWY_INLINE W ScaleImportance(const W& sigma2, SubBlockTile<W, kLength>& tile) {
  const size_t n = RowsOf<W>();
  W sum = SetAll<W>(0.0f);
  for (size_t i = 0; i < kLength; ++i) {
    const W x = LoadWide<W>(tile.x + i * n);
    const W root = Sqrt(Add(sigma2, Mul(x, x)));
    const W w = Mul(LoadWide<W>(tile.w + i * n), root);
    StoreWide(w, tile.w + i * n);
    sum = Add(sum, w);
  }
  return sum;
}

// The same for sub-blocks, where sigma2 is that of the super-block.
template <class W, size_t kLength>
HWY_INLINE W WeightByImportance(const Run& run, size_t first,
                                const float* HWY_RESTRICT sigma2,
                                SubBlockTile<W, kLength>& tile) {
  constexpr size_t kPerSuper = kSuperBlock / kLength;
  HWY_ALIGN float row_sigma2[MaxRowsOf<W>()];
  for (size_t k = 0; k < RowsOf<W>(); ++k) {
    row_sigma2[k] = sigma2[std::min((first + k) / kPerSuper, run.count - 1)];
  }
  LoadImportance<W, kLength>(run, first, tile.w);
  return ScaleImportance<W, kLength>(LoadWide<W>(row_sigma2), tile);
}

// w = x * x
template <class W, size_t kLength>
HWY_INLINE void WeightBySquare(SubBlockTile<W, kLength>& tile) {
  const size_t n = RowsOf<W>();
  for (size_t i = 0; i < kLength; ++i) {
    const W x = LoadWide<W>(tile.x + i * n);
    StoreWide(Mul(x, x), tile.w + i * n);
  }
}

// out[i * n + k] = values[(first + k) * kPerSuper + i]: a tile whose rows are
// what belongs to each of N super-blocks.
template <size_t kPerSuper>
HWY_INLINE void TileOfSuperBlocks(const float* HWY_RESTRICT values,
                                  size_t first, float* HWY_RESTRICT out) {
  const float* rows[kMaxTileRows];
  for (size_t k = 0; k < TileRows(); ++k) {
    rows[k] = values + (first + k) * kPerSuper;
  }
  LoadWideTile<VF>(rows, kPerSuper, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_SUPER_BLOCKS_INL_H_
