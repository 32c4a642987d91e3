#include "converters/checkpoint/to_float.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/base/config.h"
#include "absl/log/check.h"
#include "absl/types/span.h"
#include "converters/checkpoint/element_type.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "converters/checkpoint/to_float.cc"
// The order matters: foreach_target includes this file once per target.
// clang-format off
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// clang-format on

#ifndef ABSL_IS_LITTLE_ENDIAN
#error "Checkpoints are little endian; this code reads them as they are."
#endif

HWY_BEFORE_NAMESPACE();
namespace checkpoint {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// F32's exponent bias less F16's and E4M3's, in place of the exponent.
constexpr int32_t kRebiasF16 = (127 - 15) << 23;
constexpr int32_t kRebiasE4M3 = (127 - 7) << 23;
constexpr int32_t kOneExponent = 1 << 23;

// Floats from lanes that hold a narrower float's exponent and mantissa, already
// shifted to the top of F32's mantissa. Denormals are where the narrower
// exponent is 0: their value is mantissa * 2^(1 - bias), which adding and
// taking away the hidden bit gives exactly.
template <class DI, class V>
HWY_INLINE V Rebias(DI di32, V magnitude, int32_t rebias) {
  const hn::RebindToFloat<DI> df32;
  const V normal = hn::Add(magnitude, hn::Set(di32, rebias));
  const V hidden = hn::Set(di32, rebias + kOneExponent);
  const V denormal =
      hn::BitCast(di32, hn::Sub(hn::BitCast(df32, hn::Add(magnitude, hidden)),
                                hn::BitCast(df32, hidden)));
  return hn::IfThenElse(hn::Lt(magnitude, hn::Set(di32, kOneExponent)),
                        denormal, normal);
}

struct Bf16Bits {
  using Stored = uint16_t;
  template <class DI, class V>
  HWY_INLINE V operator()(DI /*di32*/, V bits) const {
    return hn::ShiftLeft<16>(bits);
  }
};

struct F16Bits {
  using Stored = uint16_t;
  template <class DI, class V>
  HWY_INLINE V operator()(DI di32, V bits) const {
    const V magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(di32, 0x7FFF)));
    const V sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(di32, 0x8000)));
    // Exponent 31 is infinity or NaN, whose F32 exponent is 255.
    const V rest =
        hn::IfThenElseZero(hn::Ge(magnitude, hn::Set(di32, 0x7C00 << 13)),
                           hn::Set(di32, kRebiasF16));
    return hn::Or(sign, hn::Add(Rebias(di32, magnitude, kRebiasF16), rest));
  }
};

struct F8E5M2Bits {
  using Stored = uint8_t;
  template <class DI, class V>
  HWY_INLINE V operator()(DI di32, V bits) const {
    return F16Bits()(di32, hn::ShiftLeft<8>(bits));
  }
};

struct F8E4M3Bits {
  using Stored = uint8_t;
  template <class DI, class V>
  HWY_INLINE V operator()(DI di32, V bits) const {
    const V code = hn::And(bits, hn::Set(di32, 0x7F));
    const V sign = hn::ShiftLeft<24>(hn::And(bits, hn::Set(di32, 0x80)));
    const V value = Rebias(di32, hn::ShiftLeft<20>(code), kRebiasE4M3);
    const V nan = hn::Set(di32, 0x7FF00000);
    return hn::Or(
        sign, hn::IfThenElse(hn::Eq(code, hn::Set(di32, 0x7F)), nan, value));
  }
};

// Applies Bits, which widens one vector of codes, to `count` of them.
template <class Bits>
HWY_INLINE void WidenAll(const char* HWY_RESTRICT stored, size_t count,
                         float* HWY_RESTRICT out) {
  using Stored = typename Bits::Stored;
  const hn::ScalableTag<float> df32;
  const hn::RebindToSigned<decltype(df32)> di32;
  const hn::Rebind<Stored, decltype(df32)> ds;
  const size_t lanes = hn::Lanes(df32);
  const Stored* HWY_RESTRICT in = reinterpret_cast<const Stored*>(stored);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::PromoteTo(di32, hn::LoadU(ds, in + i));
    hn::StoreU(hn::BitCast(df32, Bits()(di32, bits)), df32, out + i);
  }
  if (i < count) {
    // Copied by bytes: they need not be aligned for their type.
    HWY_ALIGN Stored rest[hn::MaxLanes(df32)] = {};
    std::memcpy(rest, stored + i * sizeof(Stored),
                (count - i) * sizeof(Stored));
    const auto bits = hn::PromoteTo(di32, hn::Load(ds, rest));
    hn::StoreN(hn::BitCast(df32, Bits()(di32, bits)), df32, out + i, count - i);
  }
}

// Rounds to nearest even, as the CPU does.
void NarrowF64(const char* HWY_RESTRICT stored, size_t count,
               float* HWY_RESTRICT out) {
  const double* HWY_RESTRICT in = reinterpret_cast<const double*>(stored);
  size_t i = 0;
#if HWY_HAVE_FLOAT64
  const hn::ScalableTag<double> df64;
  const hn::Rebind<float, decltype(df64)> df32;
  const size_t lanes = hn::Lanes(df64);
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::DemoteTo(df32, hn::LoadU(df64, in + i)), df32, out + i);
  }
#endif
  for (; i < count; ++i) {
    double value;
    std::memcpy(&value, stored + i * sizeof(double), sizeof(double));
    out[i] = static_cast<float>(value);
  }
}

void MultiplyAll(float factor, float* HWY_RESTRICT values, size_t count) {
  const hn::ScalableTag<float> df32;
  const auto factors = hn::Set(df32, factor);
  const size_t lanes = hn::Lanes(df32);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Mul(hn::LoadU(df32, values + i), factors), df32, values + i);
  }
  for (; i < count; ++i) values[i] *= factor;
}

void WidenBf16(const char* stored, size_t count, float* out) {
  WidenAll<Bf16Bits>(stored, count, out);
}
void WidenF16(const char* stored, size_t count, float* out) {
  WidenAll<F16Bits>(stored, count, out);
}
void WidenF8E4M3(const char* stored, size_t count, float* out) {
  WidenAll<F8E4M3Bits>(stored, count, out);
}
void WidenF8E5M2(const char* stored, size_t count, float* out) {
  WidenAll<F8E5M2Bits>(stored, count, out);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace checkpoint
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace checkpoint {
namespace {

HWY_EXPORT(MultiplyAll);
HWY_EXPORT(NarrowF64);
HWY_EXPORT(WidenBf16);
HWY_EXPORT(WidenF16);
HWY_EXPORT(WidenF8E4M3);
HWY_EXPORT(WidenF8E5M2);

// The language's own conversion, which rounds to nearest even: for types that
// no weights are stored in.
template <typename Stored>
void Cast(const char* stored, size_t count, float* out) {
  for (size_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, stored + i * sizeof(Stored), sizeof(Stored));
    out[i] = static_cast<float>(value);
  }
}

// The smallest, 2^-127, is an F32 without a leading one.
void WidenF8E8M0(absl::Span<const char> stored, absl::Span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    const uint32_t code = static_cast<uint8_t>(stored[i]);
    const uint32_t bits = code == 0      ? 0x00400000
                          : code == 0xFF ? 0x7FC00000
                                         : code << 23;
    std::memcpy(&out[i], &bits, sizeof(bits));
  }
}

}  // namespace

void ToFloat(ElementType type, absl::Span<const char> stored,
             absl::Span<float> out) {
  const size_t count = out.size();
  CHECK_EQ(stored.size(), count * ElementSize(type));
  if (count == 0) return;
  switch (type) {
    case ElementType::kBool:
    case ElementType::kU8:
      return Cast<uint8_t>(stored.data(), count, out.data());
    case ElementType::kI8:
      return Cast<int8_t>(stored.data(), count, out.data());
    case ElementType::kI16:
      return Cast<int16_t>(stored.data(), count, out.data());
    case ElementType::kI32:
      return Cast<int32_t>(stored.data(), count, out.data());
    case ElementType::kI64:
      return Cast<int64_t>(stored.data(), count, out.data());
    case ElementType::kF8E4M3:
      return HWY_DYNAMIC_DISPATCH(WidenF8E4M3)(stored.data(), count,
                                               out.data());
    case ElementType::kF8E5M2:
      return HWY_DYNAMIC_DISPATCH(WidenF8E5M2)(stored.data(), count,
                                               out.data());
    case ElementType::kF8E8M0:
      return WidenF8E8M0(stored, out);
    case ElementType::kF16:
      return HWY_DYNAMIC_DISPATCH(WidenF16)(stored.data(), count, out.data());
    case ElementType::kBF16:
      return HWY_DYNAMIC_DISPATCH(WidenBf16)(stored.data(), count, out.data());
    case ElementType::kF32:
      std::memcpy(out.data(), stored.data(), stored.size());
      return;
    case ElementType::kF64:
      return HWY_DYNAMIC_DISPATCH(NarrowF64)(stored.data(), count, out.data());
  }
}

void Multiply(float factor, absl::Span<float> values) {
  HWY_DYNAMIC_DISPATCH(MultiplyAll)(factor, values.data(), values.size());
}

}  // namespace checkpoint
#endif  // HWY_ONCE
