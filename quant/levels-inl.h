// File: quant/levels-inl.h
//
// Between floats and levels (the small integers of a block format), elements
// in their natural order and one level in a byte.

#if defined(QUANT_LEVELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_LEVELS_INL_H_
#undef QUANT_LEVELS_INL_H_
#else
#define QUANT_LEVELS_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "quant/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// The range of levels, and what is added before they are stored as bytes.
struct LevelRange {
  int32_t low;
  int32_t high;
  int32_t offset;
};

// Each lane, in [0, 255], to a byte.
HWY_INLINE void StoreBytes(VI level, uint8_t* HWY_RESTRICT bytes) {
  const hn::Rebind<uint8_t, DF> du8;
#if HWY_TARGET <= HWY_AVX3
  // One instruction, which the saturating DemoteTo is not.
  const hn::RebindToUnsigned<DF> du;
  hn::StoreU(hn::TruncateTo(du8, hn::BitCast(du, level)), du8, bytes);
#else
  hn::StoreU(hn::DemoteTo(du8, level), du8, bytes);
#endif
}

HWY_INLINE void StoreLevels(VF value, const LevelRange& range,
                            uint8_t* HWY_RESTRICT levels) {
  const DF df;
  const DI di;
  VI level = NearestInts(df, value);
  level =
      hn::Min(hn::Max(level, hn::Set(di, range.low)), hn::Set(di, range.high));
  level = hn::Add(level, hn::Set(di, range.offset));
  StoreBytes(level, levels);
}

// level = nearest((x + shift) / scale)
template <size_t kLength>
HWY_INLINE void LevelsByQuotient(const float* HWY_RESTRICT x, float shift,
                                 float scale, const LevelRange& range,
                                 uint8_t* HWY_RESTRICT levels) {
  const DF df;
  for (size_t i = 0; i < kLength; i += hn::Lanes(df)) {
    const VF shifted = hn::Add(hn::LoadU(df, x + i), hn::Set(df, shift));
    StoreLevels(hn::Div(shifted, hn::Set(df, scale)), range, levels + i);
  }
}

// level = nearest(inverse * (x - min))
template <size_t kLength>
HWY_INLINE void LevelsByProduct(const float* HWY_RESTRICT x, float min,
                                float inverse, const LevelRange& range,
                                uint8_t* HWY_RESTRICT levels) {
  const DF df;
  for (size_t i = 0; i < kLength; i += hn::Lanes(df)) {
    const VF shifted = hn::Sub(hn::LoadU(df, x + i), hn::Set(df, min));
    StoreLevels(hn::Mul(hn::Set(df, inverse), shifted), range, levels + i);
  }
}

// out = scale * level, for signed levels.
template <size_t kLength>
HWY_INLINE void ScaleLevels(const int8_t* HWY_RESTRICT levels, float scale,
                            float* HWY_RESTRICT out) {
  const DF df;
  const DI di;
  const hn::Rebind<int8_t, DF> di8;
  for (size_t i = 0; i < kLength; i += hn::Lanes(df)) {
    const VI level = hn::PromoteTo(di, hn::LoadU(di8, levels + i));
    hn::StoreU(hn::Mul(hn::Set(df, scale), hn::ConvertTo(df, level)), df,
               out + i);
  }
}

// out = scale * level + shift
template <size_t kLength>
HWY_INLINE void ScaleShiftLevels(const uint8_t* HWY_RESTRICT levels,
                                 float scale, float shift,
                                 float* HWY_RESTRICT out) {
  const DF df;
  const DI di;
  const hn::Rebind<uint8_t, DF> du8;
  for (size_t i = 0; i < kLength; i += hn::Lanes(df)) {
    const VI level = hn::PromoteTo(di, hn::LoadU(du8, levels + i));
    const VF scaled = hn::Mul(hn::Set(df, scale), hn::ConvertTo(df, level));
    hn::StoreU(hn::Add(scaled, hn::Set(df, shift)), df, out + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_LEVELS_INL_H_
