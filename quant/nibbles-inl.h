// File: quant/nibbles-inl.h
//
// Two levels of four bits in a byte: every format has groups of which one half
// is in the low nibbles, the other in the high ones.

#if defined(QUANT_NIBBLES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_NIBBLES_INL_H_
#undef QUANT_NIBBLES_INL_H_
#else
#define QUANT_NIBBLES_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "quant/levels-inl.h"
#include "quant/nibble_values.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// The low four bits of each of kCount levels, and of as many others.
template <size_t kCount>
HWY_INLINE void PackNibbles(const uint8_t* HWY_RESTRICT low,
                            const uint8_t* HWY_RESTRICT high,
                            uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint8_t, kCount> d8;
  for (size_t i = 0; i < kCount; i += hn::Lanes(d8)) {
    const auto low_bits = hn::And(hn::LoadU(d8, low + i), hn::Set(d8, 0x0F));
    const auto high_bits = hn::ShiftLeft<4>(hn::LoadU(d8, high + i));
    hn::StoreU(hn::Or(low_bits, high_bits), d8, out + i);
  }
}

template <size_t kCount>
HWY_INLINE void UnpackNibbles(const uint8_t* HWY_RESTRICT in,
                              uint8_t* HWY_RESTRICT low,
                              uint8_t* HWY_RESTRICT high) {
  const hn::CappedTag<uint8_t, kCount> d8;
  for (size_t i = 0; i < kCount; i += hn::Lanes(d8)) {
    const auto both = hn::LoadU(d8, in + i);
    hn::StoreU(hn::And(both, hn::Set(d8, 0x0F)), d8, low + i);
    hn::StoreU(hn::ShiftRight<4>(both), d8, high + i);
  }
}

// out = scale * what the nibbles of kHalf bytes stand for: first the low ones.
template <size_t kHalf>
HWY_INLINE void ScaleNibbles(const NibbleValues& values,
                             const uint8_t* HWY_RESTRICT in, float scale,
                             float* HWY_RESTRICT out) {
#if HWY_TARGET == HWY_SSE2 || HWY_TARGET == HWY_SCALAR
  // Vectors cannot look up bytes here; the products are few, though.
  const DF df;
  HWY_ALIGN float products[16];
  for (size_t i = 0; i < 16; i += hn::Lanes(df)) {
    const VF value = hn::Load(df, values.as_float + i);
    hn::Store(hn::Mul(hn::Set(df, scale), value), df, products + i);
  }
  for (size_t i = 0; i < kHalf; ++i) {
    out[i] = products[in[i] & 0x0F];
    out[kHalf + i] = products[in[i] >> 4];
  }
#else
  const hn::FixedTag<uint8_t, kHalf> d8;
  const hn::FixedTag<int8_t, 16> di16;
  const auto both = hn::LoadU(d8, in);
  const auto low = hn::And(both, hn::Set(d8, 0x0F));
  const auto high = hn::ShiftRight<4>(both);
  const auto table = hn::Load(di16, values.as_byte);
  const auto look_up = [&](auto nibbles) HWY_ATTR {
    return hn::TableLookupBytes(table, hn::BitCast(di16, nibbles));
  };
  HWY_ALIGN int8_t levels[2 * kHalf];
  if constexpr (kHalf == 8) {
    // Stored at once, as they are loaded again in one piece.
    const hn::FixedTag<uint8_t, 16> d16;
    hn::Store(look_up(hn::Combine(d16, high, low)), di16, levels);
  } else {
    static_assert(kHalf == 16);
    hn::Store(look_up(low), di16, levels);
    hn::Store(look_up(high), di16, levels + 16);
  }
  ScaleLevels<2 * kHalf, 0>(levels, scale, out);
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_NIBBLES_INL_H_
