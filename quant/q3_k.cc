#include "quant/q3_k.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q3_k.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/q3_k-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeQ3KOnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeQ3KRuns(job, out);
}

static void DequantizeQ3KOnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeQ3KBlocks(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeQ3KOnTarget);
HWY_EXPORT(DequantizeQ3KOnTarget);
}  // namespace

void QuantizeQ3K(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ3KOnTarget)(job, out);
}

void DequantizeQ3K(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ3KOnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
