// File: quant/small_floats.h
//
// The 8-bit floats that scale FP4 blocks. Both are read as half their value,
// because the kernels' elements are doubled to be integers.
//
//   E8M0   an exponent: 2^(e - 127)
//   UE4M3  4 exponent bits, bias 7, and 3 mantissa bits, no sign

#ifndef QUANT_SMALL_FLOATS_H_
#define QUANT_SMALL_FLOATS_H_

#include <algorithm>
#include <cstdint>

#include "quant/f16.h"

namespace quant {

// floor(log2f(x)) for x > 0 as glibc's log2f rounds it: just below a power of
// two, float's rounding of the logarithm reaches the next integer. How far
// below depends on the logarithm's magnitude; the counts, in units of 2^-24 of
// the power, were found by trying all floats.
inline int FloorLog2(float x) {
  const bool denormal = x < 0x1.0p-126f;
  const uint32_t bits = BitsOf(denormal ? x * 0x1.0p24f : x);
  const int exponent = static_cast<int>(bits >> 23) - 127 - (denormal ? 24 : 0);
  const int magnitude = exponent >= 0 ? exponent : -(exponent + 1);
  int below = 88;
  for (int m = 128; m > magnitude && m > 0; m /= 2) below /= 2;
  const int distance = 0x800000 - static_cast<int>(bits & 0x7FFFFF);
  return exponent + (distance <= below ? 1 : 0);
}

// The scale of a block whose largest magnitude is `magnitude`: the power of
// two two below it, so that the largest element, 6, is in reach. Below 2^-125
// the exponent wraps, as it does in the reference.
inline uint8_t E8M0ForMXFP4(float magnitude) {
  if (!(magnitude > 0.0f)) return 0;
  return static_cast<uint8_t>(FloorLog2(magnitude) - 2 + 127);
}

inline float HalfOfE8M0(uint8_t e) {
  if (e < 2) return FloatOf(0x00200000u << e);
  return FloatOf(static_cast<uint32_t>(e - 1) << 23);
}

// Rounds half up. From the last exponent on, all are 448.
inline uint8_t UE4M3FromF32(float x) {
  if (!(x > 0.0f)) return 0;
  const uint32_t bits = BitsOf(std::min(x, 448.0f));
  const int exponent = static_cast<int>(bits >> 23) - 127 + 7;
  if (exponent <= 0) {
    return static_cast<uint8_t>(
        std::min(7, static_cast<int>(x * 512.0f + 0.5f)));
  }
  // Exponent and mantissa are neighbours, so the carry goes the right way.
  const uint32_t code = (static_cast<uint32_t>(exponent) << 3) +
                        (bits >> 20 & 7) + (bits >> 19 & 1);
  return static_cast<uint8_t>(code >= 0x78 ? 0x7E : code);
}

inline float HalfOfUE4M3(uint8_t code) {
  if (code == 0 || code == 0x7F) return 0.0f;
  const uint32_t exponent = code >> 3 & 0xF;
  const auto mantissa = static_cast<float>(code & 7);
  if (exponent == 0) return mantissa * 0x1.0p-10f;
  return (1.0f + mantissa / 8.0f) * FloatOf((exponent - 8 + 127) << 23);
}

}  // namespace quant

#endif  // QUANT_SMALL_FLOATS_H_
