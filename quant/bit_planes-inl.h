// File: quant/bit_planes-inl.h
//
// One or two bits of each level of a super-block, apart from the others: what
// formats do with levels that are no nibbles.

#if defined(QUANT_BIT_PLANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_BIT_PLANES_INL_H_
#undef QUANT_BIT_PLANES_INL_H_
#else
#define QUANT_BIT_PLANES_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <int kLeft, class V>
HWY_INLINE V ShiftBy(V v) {
  if constexpr (kLeft > 0) return hn::ShiftLeft<kLeft>(v);
  if constexpr (kLeft < 0) return hn::ShiftRight<-kLeft>(v);
  return v;
}

// Bits kBit and kBit + 1 of 256 levels in 64 bytes. Byte i of each half holds
// those of levels i, i + 32, i + 64 and i + 96 of the half's 128.
template <int kBit>
HWY_INLINE void PackTwoBits(const uint8_t* HWY_RESTRICT levels,
                            uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint8_t, 32> d8;
  for (size_t half = 0; half < 2; ++half) {
    for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
      const auto two_bits = [&](size_t j) HWY_ATTR {
        const auto level = hn::LoadU(d8, levels + half * 128 + j * 32 + i);
        return hn::And(ShiftBy<-kBit>(level), hn::Set(d8, 3));
      };
      const auto ab = hn::Or(two_bits(0), hn::ShiftLeft<2>(two_bits(1)));
      const auto cd = hn::Or(two_bits(2), hn::ShiftLeft<2>(two_bits(3)));
      hn::StoreU(hn::Or(ab, hn::ShiftLeft<4>(cd)), d8, out + half * 32 + i);
    }
  }
}

// The way back; above bit 0, into levels that have none of the two.
template <int kBit>
HWY_INLINE void UnpackTwoBits(const uint8_t* HWY_RESTRICT in,
                              uint8_t* HWY_RESTRICT levels) {
  const hn::CappedTag<uint8_t, 32> d8;
  const auto mask = hn::Set(d8, 3 << kBit);
  for (size_t half = 0; half < 2; ++half) {
    for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
      const auto packed = hn::LoadU(d8, in + half * 32 + i);
      const auto put = [&](size_t j, auto shifted) HWY_ATTR {
        uint8_t* HWY_RESTRICT level = levels + half * 128 + j * 32 + i;
        auto bits = hn::And(shifted, mask);
        if constexpr (kBit != 0) bits = hn::Or(bits, hn::LoadU(d8, level));
        hn::StoreU(bits, d8, level);
      };
      put(0, ShiftBy<kBit>(packed));
      put(1, ShiftBy<kBit - 2>(packed));
      put(2, ShiftBy<kBit - 4>(packed));
      put(3, ShiftBy<kBit - 6>(packed));
    }
  }
}

// Bit kBit of 256 levels in 32 bytes: bit j of byte i is that of level
// j * 32 + i.
template <int kBit>
HWY_INLINE void PackOneBit(const uint8_t* HWY_RESTRICT levels,
                           uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint8_t, 32> d8;
  for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
    auto bits = hn::Zero(d8);
    for (size_t j = 0; j < 8; ++j) {
      const auto level = hn::LoadU(d8, levels + j * 32 + i);
      const auto is_set = hn::TestBit(level, hn::Set(d8, 1 << kBit));
      bits =
          hn::Or(bits, hn::IfThenElseZero(
                           is_set, hn::Set(d8, static_cast<uint8_t>(1 << j))));
    }
    hn::StoreU(bits, d8, out + i);
  }
}

// The way back, into levels whose bit kBit is not set.
template <int kBit>
HWY_INLINE void AddOneBit(const uint8_t* HWY_RESTRICT in,
                          uint8_t* HWY_RESTRICT levels) {
  const hn::CappedTag<uint8_t, 32> d8;
  for (size_t i = 0; i < 32; i += hn::Lanes(d8)) {
    const auto bits = hn::LoadU(d8, in + i);
    for (size_t j = 0; j < 8; ++j) {
      uint8_t* HWY_RESTRICT level = levels + j * 32 + i;
      const auto is_set =
          hn::TestBit(bits, hn::Set(d8, static_cast<uint8_t>(1 << j)));
      const auto bit = hn::IfThenElseZero(is_set, hn::Set(d8, 1 << kBit));
      hn::StoreU(hn::Or(hn::LoadU(d8, level), bit), d8, level);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_BIT_PLANES_INL_H_
