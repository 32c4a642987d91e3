#include "quant/q4_k.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q4_k.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/q45_k-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeQ4KOnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeQ45K<Q4KFormat>(job, out);
}

static void DequantizeQ4KOnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeQ45K<Q4KFormat>(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeQ4KOnTarget);
HWY_EXPORT(DequantizeQ4KOnTarget);
}  // namespace

void QuantizeQ4K(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ4KOnTarget)(job, out);
}

void DequantizeQ4K(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ4KOnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
