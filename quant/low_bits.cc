#include "quant/low_bits.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/low_bits.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/low_bits-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeQ10OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeQ10Blocks(job, out);
}

static void DequantizeQ10OnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeQ10Blocks(blocks, count, out);
}

static void QuantizeQ20OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeQ20Blocks(job, out);
}

static void DequantizeQ20OnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeQ20Blocks(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeQ10OnTarget);
HWY_EXPORT(DequantizeQ10OnTarget);
HWY_EXPORT(QuantizeQ20OnTarget);
HWY_EXPORT(DequantizeQ20OnTarget);
}  // namespace

void QuantizeQ10(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ10OnTarget)(job, out);
}

void DequantizeQ10(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ10OnTarget)(blocks, count, out);
}

void QuantizeQ20(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ20OnTarget)(job, out);
}

void DequantizeQ20(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ20OnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
