// File: quant/two_bits-inl.h
//
// Levels of two bits, four in a byte, as Q2_K and Q3_K store them.

#if defined(QUANT_TWO_BITS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_TWO_BITS_INL_H_
#undef QUANT_TWO_BITS_INL_H_
#else
#define QUANT_TWO_BITS_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "quant/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

// 256 levels in 64 bytes. Byte i of each half holds weights i, i + 32, i + 64
// and i + 96 of the half's 128. Only the low two bits of `levels` are used.
HWY_INLINE void PackTwoBits(const uint8_t* HWY_RESTRICT levels,
                            uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint8_t, 32> d8;
  const auto mask = hn::Set(d8, 3);
  for (size_t half = 0; half < 2; ++half) {
    for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
      const uint8_t* HWY_RESTRICT l = levels + half * 128 + i;
      const auto a = hn::And(hn::LoadU(d8, l), mask);
      const auto b = hn::And(hn::LoadU(d8, l + 32), mask);
      const auto c = hn::And(hn::LoadU(d8, l + 64), mask);
      const auto d = hn::LoadU(d8, l + 96);
      const auto ab = hn::Or(a, hn::ShiftLeft<2>(b));
      const auto cd = hn::Or(hn::ShiftLeft<4>(c), hn::ShiftLeft<6>(d));
      hn::StoreU(hn::Or(ab, cd), d8, out + half * 32 + i);
    }
  }
}

HWY_INLINE void UnpackTwoBits(const uint8_t* HWY_RESTRICT in,
                              uint8_t* HWY_RESTRICT levels) {
  const hn::CappedTag<uint8_t, 32> d8;
  const auto mask = hn::Set(d8, 3);
  for (size_t half = 0; half < 2; ++half) {
    for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
      auto packed = hn::LoadU(d8, in + half * 32 + i);
      for (size_t j = 0; j < 4; ++j) {
        hn::StoreU(hn::And(packed, mask), d8, levels + half * 128 + j * 32 + i);
        packed = hn::ShiftRight<2>(packed);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_TWO_BITS_INL_H_
