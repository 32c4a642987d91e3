#include "quant/q2_k.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q2_k.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/q2_k-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeQ2KOnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeQ2KRuns(job, out);
}

static void DequantizeQ2KOnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeQ2KBlocks(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeQ2KOnTarget);
HWY_EXPORT(DequantizeQ2KOnTarget);
}  // namespace

void QuantizeQ2K(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ2KOnTarget)(job, out);
}

void DequantizeQ2K(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ2KOnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
