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
#include <type_traits>

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

// Calls use(i, v) for each vector v of level - kOffset as floats, for kLength
// levels, a multiple of 16; those of v are the ones from i on.
template <size_t kLength, int kOffset, class Byte, class Use>
HWY_INLINE void ForEachLevels(const Byte* HWY_RESTRICT levels, const Use& use) {
  const DF df;
#if HWY_ARCH_X86 && HWY_MAX_BYTES == 16
  // Bytes widen by interleaving, best in fours: with zeros, and with the upper
  // half of a float whose lowest bits are the integer.
  const hn::Full128<uint8_t> d8;
  const hn::Full128<uint16_t> d16;
  constexpr bool kSigned = std::is_signed_v<Byte>;
  const auto sign = hn::Set(d8, kSigned ? 0x80 : 0);
  const auto upper = hn::Set(d16, 0x4B00);
  const VF offset = hn::Set(df, 0x1.0p23f + kOffset + (kSigned ? 128 : 0));
  for (size_t i = 0; i < kLength; i += 16) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(levels + i);
    const auto v = hn::Xor(hn::LoadU(d8, bytes), sign);
    const auto low = hn::BitCast(d16, hn::InterleaveLower(d8, v, hn::Zero(d8)));
    const auto high =
        hn::BitCast(d16, hn::InterleaveUpper(d8, v, hn::Zero(d8)));
    const auto level = [&](auto halves) HWY_ATTR {
      return hn::Sub(hn::BitCast(df, halves), offset);
    };
    use(i, level(hn::InterleaveLower(d16, low, upper)));
    use(i + 4, level(hn::InterleaveUpper(d16, low, upper)));
    use(i + 8, level(hn::InterleaveLower(d16, high, upper)));
    use(i + 12, level(hn::InterleaveUpper(d16, high, upper)));
  }
#else
  const DI di;
  const hn::Rebind<Byte, DF> d8;
  for (size_t i = 0; i < kLength; i += hn::Lanes(df)) {
    VI level = hn::PromoteTo(di, hn::LoadU(d8, levels + i));
    if constexpr (kOffset != 0) level = hn::Sub(level, hn::Set(di, kOffset));
    use(i, hn::ConvertTo(df, level));
  }
#endif
}

// out = scale * (level - kOffset)
template <size_t kLength, int kOffset, class Byte>
HWY_INLINE void ScaleLevels(const Byte* HWY_RESTRICT levels, float scale,
                            float* HWY_RESTRICT out) {
  const DF df;
  const VF factor = hn::Set(df, scale);
  ForEachLevels<kLength, kOffset>(levels, [&](size_t i, VF level) HWY_ATTR {
    hn::StoreU(hn::Mul(factor, level), df, out + i);
  });
}

// out = scale * level + shift
template <size_t kLength>
HWY_INLINE void ScaleShiftLevels(const uint8_t* HWY_RESTRICT levels,
                                 float scale, float shift,
                                 float* HWY_RESTRICT out) {
  const DF df;
  const VF factor = hn::Set(df, scale);
  const VF summand = hn::Set(df, shift);
  ForEachLevels<kLength, 0>(levels, [&](size_t i, VF level) HWY_ATTR {
    hn::StoreU(hn::Add(hn::Mul(factor, level), summand), df, out + i);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_LEVELS_INL_H_
