#include "quant/q8_0.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q8_0.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/simple_blocks-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeQ80OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeQ80Blocks(job, out);
}

static void DequantizeQ80OnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeQ80Blocks(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeQ80OnTarget);
HWY_EXPORT(DequantizeQ80OnTarget);
}  // namespace

void QuantizeQ80(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ80OnTarget)(job, out);
}

void DequantizeQ80(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ80OnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
