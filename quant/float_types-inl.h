// File: quant/float_types-inl.h
//
// F32, F16 and BF16: one weight after the other, rounded to nearest even. Rows
// have any length. Bytes may stand at any address.

#if defined(QUANT_FLOAT_TYPES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUANT_FLOAT_TYPES_INL_H_
#undef QUANT_FLOAT_TYPES_INL_H_
#else
#define QUANT_FLOAT_TYPES_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "quant/codec.h"
#include "quant/f16.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// F16FromF32 (see f16.h) of each lane, in the low half of its 32 bits.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> F16Bits(D df, hn::Vec<D> v) {
  const hn::RebindToUnsigned<D> du;
  using VU = hn::Vec<decltype(du)>;
  const VU bits = hn::BitCast(du, v);
  const VU magnitude = hn::And(bits, hn::Set(du, 0x7FFFFFFF));
  const VU sign = hn::ShiftRight<16>(hn::Xor(bits, magnitude));
  const VU odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du, 1));
  // Rounds, and moves the exponent's bias from 127 to 15.
  const VU normal = hn::ShiftRight<13>(
      hn::Sub(hn::Add(magnitude, odd), hn::Set(du, 0x38000000 - 0xFFF)));
  const VU subnormal = hn::Sub(
      hn::BitCast(du, hn::Add(hn::BitCast(df, magnitude), hn::Set(df, 0.5f))),
      hn::Set(du, 0x3F000000));
  VU half = hn::IfThenElse(hn::Lt(magnitude, hn::Set(du, 0x38800000)),
                           subnormal, normal);
  const VU special = hn::IfThenElse(hn::Gt(magnitude, hn::Set(du, 0x7F800000)),
                                    hn::Set(du, 0x7E00), hn::Set(du, 0x7C00));
  half =
      hn::IfThenElse(hn::Ge(magnitude, hn::Set(du, 0x47800000)), special, half);
  return hn::Or(sign, half);
}

// F32FromF16 of the low half of each lane.
template <class D>
HWY_INLINE hn::Vec<D> FromF16Bits(D df, hn::Vec<hn::RebindToUnsigned<D>> half) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  using VU = hn::Vec<decltype(du)>;
  const VU magnitude = hn::And(half, hn::Set(du, 0x7FFF));
  const VU sign = hn::ShiftLeft<16>(hn::Xor(half, magnitude));
  const VU shifted = hn::ShiftLeft<13>(magnitude);
  const VU normal = hn::Add(shifted, hn::Set(du, 0x38000000));
  const VU subnormal =
      hn::BitCast(du, hn::Mul(hn::ConvertTo(df, hn::BitCast(di, magnitude)),
                              hn::Set(df, 0x1.0p-24f)));
  const VU quiet = hn::IfThenElseZero(hn::Gt(magnitude, hn::Set(du, 0x7C00)),
                                      hn::Set(du, 0x00400000));
  const VU special = hn::Or(hn::Or(shifted, hn::Set(du, 0x7F800000)), quiet);
  VU bits =
      hn::IfThenElse(hn::Lt(magnitude, hn::Set(du, 0x0400)), subnormal, normal);
  bits = hn::IfThenElse(hn::Ge(magnitude, hn::Set(du, 0x7C00)), special, bits);
  return hn::BitCast(df, hn::Or(sign, bits));
}

// Rounds to nearest even; NaN stay NaN and become quiet.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> BF16Bits(D, hn::Vec<D> v) {
  const hn::RebindToUnsigned<D> du;
  using VU = hn::Vec<decltype(du)>;
  const VU bits = hn::BitCast(du, v);
  const VU top = hn::ShiftRight<16>(bits);
  const VU odd = hn::And(top, hn::Set(du, 1));
  const VU rounded =
      hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF))));
  const VU magnitude = hn::And(bits, hn::Set(du, 0x7FFFFFFF));
  return hn::IfThenElse(hn::Gt(magnitude, hn::Set(du, 0x7F800000)),
                        hn::Or(top, hn::Set(du, 64)), rounded);
}

// Calls convert(tag, in + i, out + i) for all of `count` elements, with a
// single-lane tag for the last few.
template <class Convert>
HWY_INLINE void ForEachVector(size_t count, const Convert& convert) {
  const hn::ScalableTag<float> df;
  const hn::CappedTag<float, 1> d1;
  size_t i = 0;
  for (; i + hn::Lanes(df) <= count; i += hn::Lanes(df)) convert(df, i);
  for (; i < count; ++i) convert(d1, i);
}

HWY_INLINE void QuantizeF32Elements(const QuantizeJob& job, uint8_t* out) {
  std::memcpy(out, job.weights, job.size() * sizeof(float));
}

HWY_INLINE void DequantizeF32Elements(const uint8_t* blocks, size_t count,
                                      float* HWY_RESTRICT out) {
  std::memcpy(out, blocks, count * sizeof(float));
}

HWY_INLINE void QuantizeF16Elements(const QuantizeJob& job, uint8_t* out) {
  auto* HWY_RESTRICT halves = reinterpret_cast<uint16_t*>(out);
  const float* HWY_RESTRICT in = job.weights;
  ForEachVector(job.size(), [=](auto df, size_t i) HWY_ATTR {
    const hn::Rebind<uint16_t, decltype(df)> d16;
    hn::StoreU(hn::TruncateTo(d16, F16Bits(df, hn::LoadU(df, in + i))), d16,
               halves + i);
  });
}

HWY_INLINE void DequantizeF16Elements(const uint8_t* blocks, size_t count,
                                      float* HWY_RESTRICT out) {
  const auto* HWY_RESTRICT halves = reinterpret_cast<const uint16_t*>(blocks);
  ForEachVector(count, [=](auto df, size_t i) HWY_ATTR {
    const hn::Rebind<uint16_t, decltype(df)> d16;
    const hn::RebindToUnsigned<decltype(df)> du;
    const auto half = hn::PromoteTo(du, hn::LoadU(d16, halves + i));
    hn::StoreU(FromF16Bits(df, half), df, out + i);
  });
}

HWY_INLINE void QuantizeBF16Elements(const QuantizeJob& job, uint8_t* out) {
  auto* HWY_RESTRICT halves = reinterpret_cast<uint16_t*>(out);
  const float* HWY_RESTRICT in = job.weights;
  ForEachVector(job.size(), [=](auto df, size_t i) HWY_ATTR {
    const hn::Rebind<uint16_t, decltype(df)> d16;
    hn::StoreU(hn::TruncateTo(d16, BF16Bits(df, hn::LoadU(df, in + i))), d16,
               halves + i);
  });
}

HWY_INLINE void DequantizeBF16Elements(const uint8_t* blocks, size_t count,
                                       float* HWY_RESTRICT out) {
  const auto* HWY_RESTRICT halves = reinterpret_cast<const uint16_t*>(blocks);
  ForEachVector(count, [=](auto df, size_t i) HWY_ATTR {
    const hn::Rebind<uint16_t, decltype(df)> d16;
    const hn::RebindToUnsigned<decltype(df)> du;
    const auto half = hn::PromoteTo(du, hn::LoadU(d16, halves + i));
    hn::StoreU(hn::BitCast(df, hn::ShiftLeft<16>(half)), df, out + i);
  });
}

HWY_INLINE void RoundVectorsToF16(float* HWY_RESTRICT values, size_t count) {
  ForEachVector(count, [=](auto df, size_t i) HWY_ATTR {
    const auto half = F16Bits(df, hn::LoadU(df, values + i));
    hn::StoreU(FromF16Bits(df, half), df, values + i);
  });
}

HWY_INLINE size_t FindNonFiniteInVectors(const float* HWY_RESTRICT values,
                                         size_t count) {
  const hn::ScalableTag<float> df;
  const hn::RebindToUnsigned<decltype(df)> du;
  const size_t n = hn::Lanes(df);
  // Doubling shifts the sign out; then the exponent of ones is the largest.
  const auto doubled = [&](size_t i) HWY_ATTR {
    const auto bits = hn::BitCast(du, hn::LoadU(df, values + i));
    return hn::Add(bits, bits);
  };
  const auto infinity = hn::Set(du, 0xFF000000);
  size_t i = 0;
  for (; i + 4 * n <= count; i += 4 * n) {
    const auto a = hn::Max(doubled(i), doubled(i + n));
    const auto b = hn::Max(doubled(i + 2 * n), doubled(i + 3 * n));
    if (!hn::AllTrue(du, hn::Lt(hn::Max(a, b), infinity))) break;
  }
  while (i < count && std::isfinite(values[i])) ++i;
  return i;
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_FLOAT_TYPES_INL_H_
