// File: quant/f16.h
//
// One IEEE binary16 at a time, as the block formats store their scales:
// round to nearest even, every NaN to the quiet NaN of its sign.

#ifndef QUANT_F16_H_
#define QUANT_F16_H_

#include <cstdint>
#include <cstring>

namespace quant {

inline uint32_t BitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float FloatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline uint16_t F16FromF32(float value) {
  const uint32_t bits = BitsOf(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return static_cast<uint16_t>(sign | 0x7E00);
  if (magnitude >= 0x47800000) return static_cast<uint16_t>(sign | 0x7C00);
  if (magnitude < 0x38800000) {
    // Below the smallest normal F16. One unit in the last place of 0.5 is the
    // smallest subnormal, so the addition itself rounds.
    const uint32_t rounded = BitsOf(FloatOf(magnitude) + 0.5f);
    return static_cast<uint16_t>(sign | (rounded - 0x3F000000));
  }
  magnitude += 0xFFF + ((magnitude >> 13) & 1);
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000) >> 13));
}

inline float F32FromF16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7FFF;
  if (magnitude < 0x0400) {
    const float value = static_cast<float>(magnitude) * 0x1.0p-24f;
    return FloatOf(sign | BitsOf(value));
  }
  if (magnitude < 0x7C00)
    return FloatOf(sign | ((magnitude << 13) + 0x38000000));
  const uint32_t quiet = magnitude > 0x7C00 ? 0x00400000 : 0;
  return FloatOf(sign | 0x7F800000 | ((magnitude & 0x3FF) << 13) | quiet);
}

// Stores `value` as a little-endian F16 at `out`, which may be unaligned.
inline void StoreF16(float value, uint8_t* out) {
  const uint16_t half = F16FromF32(value);
  std::memcpy(out, &half, sizeof(half));
}

inline float LoadF16(const uint8_t* in) {
  uint16_t half;
  std::memcpy(&half, in, sizeof(half));
  return F32FromF16(half);
}

// The nearest integer, ties to even, as the reference finds it: by adding
// 1.5 * 2^23 and reading the low bits. Outside of +-2^22 (infinities and NaN
// included) the result is whatever those bits say, which is part of the
// format's bytes for such blocks.
inline int32_t NearestInt(float value) {
  const uint32_t bits = BitsOf(value + 12582912.0f);
  return static_cast<int32_t>(bits & 0x007FFFFF) - 0x00400000;
}

}  // namespace quant

#endif  // QUANT_F16_H_
