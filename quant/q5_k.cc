#include "quant/q5_k.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q5_k.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/q45_k-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeQ5KOnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeQ45K<Q5KFormat>(job, out);
}

static void DequantizeQ5KOnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeQ45K<Q5KFormat>(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeQ5KOnTarget);
HWY_EXPORT(DequantizeQ5KOnTarget);
}  // namespace

void QuantizeQ5K(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ5KOnTarget)(job, out);
}

void DequantizeQ5K(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ5KOnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
