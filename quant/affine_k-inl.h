// File: quant/affine_k-inl.h
//
// What Q2_K, Q4_K and Q5_K share: each sub-block is scale * level - minimum,
// and a super-block stores its scales and minima as small integers times one
// F16 each.

#if defined(QUANT_AFFINE_K_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_AFFINE_K_INL_H_
#undef QUANT_AFFINE_K_INL_H_
#else
#define QUANT_AFFINE_K_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "quant/affine_search-inl.h"
#include "quant/f16.h"
#include "quant/levels-inl.h"
#include "quant/nonnegative_search-inl.h"
#include "quant/super_blocks-inl.h"
#include "quant/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// A format is described by a struct with
//   kLength         weights in a sub-block
//   kMaxLevel       the largest level of a weight
//   kMaxScale       the largest integer scale
//   kSearch         the search without importance,
//   kAbsolute       whether it minimizes absolute instead of squared errors,
//   kRootMean       whether its weights are |x| + root mean square, or |x|
//   kSigmaFactor    with importance: sigma2 is this times the mean square

// Of each sub-block of a run.
template <class Format>
struct AffineScales {
  static constexpr size_t kPerSuper = kSuperBlock / Format::kLength;
  static constexpr size_t kCount = kRunBlocks * kPerSuper;
  HWY_ALIGN float scale[kCount] = {};
  HWY_ALIGN float minimum[kCount] = {};  // negated: >= 0
  HWY_ALIGN float level_inverse[kCount];
  HWY_ALIGN float level_min[kCount];
  HWY_ALIGN float weight_sum[kCount] = {};
};

// The integer scales and minima of one super-block.
template <class Format>
struct SuperScales {
  float scale;  // to be stored as F16
  float minimum;
  uint8_t scales[AffineScales<Format>::kPerSuper];
  uint8_t minima[AffineScales<Format>::kPerSuper];
};

// w = |x| + root mean square of the row, or |x|.
template <class W, class Format>
HWY_INLINE void WeightByMagnitude(SubBlockTile<W, Format::kLength>& tile) {
  const size_t n = RowsOf<W>();
  W root_mean = SetAll<W>(0.0f);
  if constexpr (Format::kRootMean) {
    for (size_t i = 0; i < Format::kLength; ++i) {
      const W x = LoadWide<W>(tile.x + i * n);
      root_mean = Add(root_mean, Mul(x, x));
    }
    root_mean = Sqrt(Div(root_mean, SetAll<W>(Format::kLength)));
  }
  for (size_t i = 0; i < Format::kLength; ++i) {
    const W x = LoadWide<W>(tile.x + i * n);
    StoreWide(Add(root_mean, Abs(x)), tile.w + i * n);
  }
}

// Searches all sub-blocks of the run.
template <class Format>
HWY_NOINLINE void SearchRun(const Run& run, AffineScales<Format>& found) {
  using W = Pair<VF>;
  constexpr size_t kLength = Format::kLength;
  constexpr AffineSearch kWeighted{Format::kMaxLevel, -0.9f, 0.05f, 36};
  HWY_ALIGN float sigma2[kRunBlocks];
  if (run.weighted) {
    SumSquaresOfRun(run, sigma2);
    for (float& s : sigma2) s = Format::kSigmaFactor * s / kSuperBlock;
  }
  SubBlockTile<W, kLength> tile;
  const size_t count = run.count * (kSuperBlock / kLength);
  for (size_t first = 0; first < count; first += RowsOf<W>()) {
    LoadSubBlocks<W, kLength>(run, first, tile.x);
    AffineResult<W> result;
    if (run.weighted) {
      const W sum = WeightByImportance<W, kLength>(run, first, sigma2, tile);
      StoreWide(sum, found.weight_sum + first);
      result = SearchAffine<W, false, kLength>(tile.x, tile.w, kWeighted);
    } else {
      WeightByMagnitude<W, Format>(tile);
      result = SearchAffine<W, Format::kAbsolute, kLength>(tile.x, tile.w,
                                                           Format::kSearch);
    }
    StoreWide(result.scale, found.scale + first);
    StoreWide(result.negative_min, found.minimum + first);
    StoreWide(result.level_inverse, found.level_inverse + first);
    StoreWide(result.level_min, found.level_min + first);
  }
}

// With importance the integer scales of a super-block are searched as well.
template <class Format>
HWY_NOINLINE void SearchSuperScales(const Run& run,
                                    const AffineScales<Format>& found,
                                    SuperScales<Format>* HWY_RESTRICT out) {
  constexpr size_t kPerSuper = AffineScales<Format>::kPerSuper;
  const DF df;
  const size_t n = hn::Lanes(df);
  HWY_ALIGN float x[kPerSuper * kMaxTileRows];
  HWY_ALIGN float w[kPerSuper * kMaxTileRows];
  HWY_ALIGN float levels[kPerSuper * kMaxTileRows];
  HWY_ALIGN float super[kMaxTileRows];
  for (size_t first = 0; first < run.count; first += n) {
    TileOfSuperBlocks<kPerSuper>(found.weight_sum, first, w);
    const size_t lanes = std::min(n, run.count - first);

    TileOfSuperBlocks<kPerSuper>(found.scale, first, x);
    hn::Store(SearchNonNegative<kPerSuper>(x, w, Format::kMaxScale, levels), df,
              super);
    for (size_t k = 0; k < lanes; ++k) {
      out[first + k].scale = super[k];
      for (size_t j = 0; j < kPerSuper; ++j) {
        out[first + k].scales[j] = static_cast<uint8_t>(levels[j * n + k]);
      }
    }
    TileOfSuperBlocks<kPerSuper>(found.minimum, first, x);
    hn::Store(SearchNonNegative<kPerSuper>(x, w, Format::kMaxScale, levels), df,
              super);
    for (size_t k = 0; k < lanes; ++k) {
      out[first + k].minimum = super[k];
      for (size_t j = 0; j < kPerSuper; ++j) {
        out[first + k].minima[j] = static_cast<uint8_t>(levels[j * n + k]);
      }
    }
  }
}

// The levels of super-block `b` of the run under the scales that are stored,
// or, where a stored scale is zero, those that the search found.
template <class Format>
HWY_INLINE void FinalLevels(const float* HWY_RESTRICT x,
                            const AffineScales<Format>& found, size_t b,
                            const float* HWY_RESTRICT scales,
                            const float* HWY_RESTRICT minima,
                            uint8_t* HWY_RESTRICT levels) {
  constexpr size_t kPerSuper = AffineScales<Format>::kPerSuper;
  constexpr LevelRange kRange{0, static_cast<int32_t>(Format::kMaxLevel), 0};
  for (size_t j = 0; j < kPerSuper; ++j) {
    const float* HWY_RESTRICT xj = x + j * Format::kLength;
    uint8_t* HWY_RESTRICT lj = levels + j * Format::kLength;
    if (scales[j] != 0.0f) {
      LevelsByQuotient<Format::kLength>(xj, minima[j], scales[j], kRange, lj);
    } else {
      const size_t sub = b * kPerSuper + j;
      LevelsByProduct<Format::kLength>(xj, found.level_min[sub],
                                       found.level_inverse[sub], kRange, lj);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_AFFINE_K_INL_H_
