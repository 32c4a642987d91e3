#include "quant/q4_0.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q4_0.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/simple_blocks-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeQ40OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeSimple<Q40Format>(job, out);
}

static void DequantizeQ40OnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeSimple<Q40Format>(blocks, count, out);
}

static void QuantizeQ41OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeSimple<Q41Format>(job, out);
}

static void DequantizeQ41OnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeSimple<Q41Format>(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeQ40OnTarget);
HWY_EXPORT(DequantizeQ40OnTarget);
HWY_EXPORT(QuantizeQ41OnTarget);
HWY_EXPORT(DequantizeQ41OnTarget);
}  // namespace

void QuantizeQ40(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ40OnTarget)(job, out);
}

void DequantizeQ40(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ40OnTarget)(blocks, count, out);
}

void QuantizeQ41(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ41OnTarget)(job, out);
}

void DequantizeQ41(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ41OnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
