#include "quant/ternary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/ternary.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/ternary-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeTQ10OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeTQ10Blocks(job, out);
}

static void DequantizeTQ10OnTarget(const uint8_t* blocks, size_t count,
                                   float* out) {
  DequantizeTQ10Blocks(blocks, count, out);
}

static void QuantizeTQ20OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeTQ20Blocks(job, out);
}

static void DequantizeTQ20OnTarget(const uint8_t* blocks, size_t count,
                                   float* out) {
  DequantizeTQ20Blocks(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeTQ10OnTarget);
HWY_EXPORT(DequantizeTQ10OnTarget);
HWY_EXPORT(QuantizeTQ20OnTarget);
HWY_EXPORT(DequantizeTQ20OnTarget);
}  // namespace

void QuantizeTQ10(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeTQ10OnTarget)(job, out);
}

void DequantizeTQ10(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeTQ10OnTarget)(blocks, count, out);
}

void QuantizeTQ20(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeTQ20OnTarget)(job, out);
}

void DequantizeTQ20(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeTQ20OnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
