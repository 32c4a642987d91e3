#include "quant/fp4.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/fp4.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/fp4-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeMXFP4OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeMXFP4Blocks(job, out);
}

static void DequantizeMXFP4OnTarget(const uint8_t* blocks, size_t count,
                                    float* out) {
  DequantizeMXFP4Blocks(blocks, count, out);
}

static void QuantizeNVFP4OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeNVFP4Blocks(job, out);
}

static void DequantizeNVFP4OnTarget(const uint8_t* blocks, size_t count,
                                    float* out) {
  DequantizeNVFP4Blocks(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeMXFP4OnTarget);
HWY_EXPORT(DequantizeMXFP4OnTarget);
HWY_EXPORT(QuantizeNVFP4OnTarget);
HWY_EXPORT(DequantizeNVFP4OnTarget);
}  // namespace

void QuantizeMXFP4(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeMXFP4OnTarget)(job, out);
}

void DequantizeMXFP4(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeMXFP4OnTarget)(blocks, count, out);
}

void QuantizeNVFP4(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeNVFP4OnTarget)(job, out);
}

void DequantizeNVFP4(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeNVFP4OnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
