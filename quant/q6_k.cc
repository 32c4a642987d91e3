#include "quant/q6_k.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q6_k.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/q6_k-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeQ6KOnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeQ6KRuns(job, out);
}

static void DequantizeQ6KOnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeQ6KBlocks(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeQ6KOnTarget);
HWY_EXPORT(DequantizeQ6KOnTarget);
}  // namespace

void QuantizeQ6K(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeQ6KOnTarget)(job, out);
}

void DequantizeQ6K(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeQ6KOnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
