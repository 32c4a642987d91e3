#include "quant/q5_0.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q5_0.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/simple_blocks-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeQ50OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeSimple<Q50Format>(job, out);
}

static void DequantizeQ50OnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeSimple<Q50Format>(blocks, count, out);
}

static void QuantizeQ51OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeSimple<Q51Format>(job, out);
}

static void DequantizeQ51OnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeSimple<Q51Format>(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeQ50OnTarget);
HWY_EXPORT(DequantizeQ50OnTarget);
HWY_EXPORT(QuantizeQ51OnTarget);
HWY_EXPORT(DequantizeQ51OnTarget);
}  // namespace

void QuantizeQ50(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ50OnTarget)(job, out);
}

void DequantizeQ50(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ50OnTarget)(blocks, count, out);
}

void QuantizeQ51(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ51OnTarget)(job, out);
}

void DequantizeQ51(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ51OnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
