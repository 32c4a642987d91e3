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

// F16FromF32 and F32FromF16 (see f16.h) of each lane, but for the bits of NaN.
#if HWY_TARGET <= HWY_AVX2 && !defined(HWY_DISABLE_F16C)

template <class D>
HWY_INLINE hn::Vec<hn::Rebind<uint16_t, D>> F16FromVector(D /*df*/,
                                                          hn::Vec<D> v) {
  const hn::Rebind<hwy::float16_t, D> df16;
  return hn::BitCast(hn::Rebind<uint16_t, D>(), hn::DemoteTo(df16, v));
}

template <class D>
HWY_INLINE hn::Vec<D> VectorFromF16(D df,
                                    hn::Vec<hn::Rebind<uint16_t, D>> half) {
  const hn::Rebind<hwy::float16_t, D> df16;
  return hn::PromoteTo(df, hn::BitCast(df16, half));
}

#else

template <class D>
HWY_INLINE hn::Vec<hn::Rebind<uint16_t, D>> F16FromVector(D df, hn::Vec<D> v) {
  // Signed integers, as only these compare in one instruction everywhere.
  const hn::RebindToSigned<D> di;
  const hn::RebindToUnsigned<D> du;
  using VI = hn::Vec<decltype(di)>;
  const VI bits = hn::BitCast(di, v);
  const VI magnitude = hn::And(bits, hn::Set(di, 0x7FFFFFFF));
  const VI sign = hn::ShiftRight<16>(hn::Xor(bits, magnitude));
  const VI odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(di, 1));
  // Rounds, and moves the exponent's bias from 127 to 15.
  const VI normal = hn::ShiftRight<13>(
      hn::Sub(hn::Add(magnitude, odd), hn::Set(di, 0x38000000 - 0xFFF)));
  const VI subnormal = hn::Sub(
      hn::BitCast(di, hn::Add(hn::BitCast(df, magnitude), hn::Set(df, 0.5f))),
      hn::Set(di, 0x3F000000));
  const VI special = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x7F800000)),
                                    hn::Set(di, 0x7E00), hn::Set(di, 0x7C00));
  VI half = hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, 0x38800000)),
                           subnormal, normal);
  half =
      hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x477FFFFF)), special, half);
  return hn::TruncateTo(hn::Rebind<uint16_t, D>(),
                        hn::BitCast(du, hn::Or(sign, half)));
}

template <class D>
HWY_INLINE hn::Vec<D> VectorFromF16(D df,
                                    hn::Vec<hn::Rebind<uint16_t, D>> half16) {
  const hn::RebindToSigned<D> di;
  using VI = hn::Vec<decltype(di)>;
  const VI half = hn::PromoteTo(di, half16);
  const VI magnitude = hn::And(half, hn::Set(di, 0x7FFF));
  const VI sign = hn::ShiftLeft<16>(hn::Xor(half, magnitude));
  const VI shifted = hn::ShiftLeft<13>(magnitude);
  const VI normal = hn::Add(shifted, hn::Set(di, 0x38000000));
  const VI subnormal = hn::BitCast(
      di, hn::Mul(hn::ConvertTo(df, magnitude), hn::Set(df, 0x1.0p-24f)));
  const VI quiet = hn::IfThenElseZero(hn::Gt(magnitude, hn::Set(di, 0x7C00)),
                                      hn::Set(di, 0x00400000));
  const VI special = hn::Or(hn::Or(shifted, hn::Set(di, 0x7F800000)), quiet);
  VI bits =
      hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, 0x0400)), subnormal, normal);
  bits = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x7BFF)), special, bits);
  return hn::BitCast(df, hn::Or(sign, bits));
}

#endif

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
    hn::StoreU(F16FromVector(df, hn::LoadU(df, in + i)), d16, halves + i);
  });
}

HWY_INLINE void DequantizeF16Elements(const uint8_t* blocks, size_t count,
                                      float* HWY_RESTRICT out) {
  const auto* HWY_RESTRICT halves = reinterpret_cast<const uint16_t*>(blocks);
  ForEachVector(count, [=](auto df, size_t i) HWY_ATTR {
    const hn::Rebind<uint16_t, decltype(df)> d16;
    hn::StoreU(VectorFromF16(df, hn::LoadU(d16, halves + i)), df, out + i);
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
  size_t done = 0;
#if HWY_ARCH_X86 && HWY_MAX_BYTES == 16
  // Zeros between the halves: fewer instructions than to widen four at a time.
  const hn::Full128<uint16_t> d16;
  const hn::Full128<float> d32;
  const auto zero = hn::Zero(d16);
  for (; done + 8 <= count; done += 8) {
    const auto v = hn::LoadU(d16, halves + done);
    const auto low = hn::InterleaveLower(d16, zero, v);
    const auto high = hn::InterleaveUpper(d16, zero, v);
    hn::StoreU(hn::BitCast(d32, low), d32, out + done);
    hn::StoreU(hn::BitCast(d32, high), d32, out + done + 4);
  }
#endif
  ForEachVector(count - done, [=](auto df, size_t i) HWY_ATTR {
    const hn::Rebind<uint16_t, decltype(df)> dh;
    const hn::RebindToUnsigned<decltype(df)> du;
    const auto half = hn::PromoteTo(du, hn::LoadU(dh, halves + done + i));
    hn::StoreU(hn::BitCast(df, hn::ShiftLeft<16>(half)), df, out + done + i);
  });
}

HWY_INLINE void RoundVectorsToF16(float* HWY_RESTRICT values, size_t count) {
  ForEachVector(count, [=](auto df, size_t i) HWY_ATTR {
    const auto half = F16FromVector(df, hn::LoadU(df, values + i));
    hn::StoreU(VectorFromF16(df, half), df, values + i);
  });
}

HWY_INLINE size_t FindNotBelowInVectors(float limit,
                                        const float* HWY_RESTRICT values,
                                        size_t count) {
  const hn::ScalableTag<float> df;
  const size_t n = hn::Lanes(df);
  const auto below = [&](size_t at) HWY_ATTR {
    return hn::Lt(hn::Abs(hn::LoadU(df, values + at)), hn::Set(df, limit));
  };
  size_t i = 0;
  for (; i + 4 * n <= count; i += 4 * n) {
    const auto a = hn::And(below(i), below(i + n));
    const auto b = hn::And(below(i + 2 * n), below(i + 3 * n));
    if (!hn::AllTrue(df, hn::And(a, b))) break;
  }
  while (i < count && std::fabs(values[i]) < limit) ++i;
  return i;
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#endif  // QUANT_FLOAT_TYPES_INL_H_
