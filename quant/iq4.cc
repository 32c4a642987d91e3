#include "quant/iq4.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/iq4.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/iq4-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeIQ4NLOnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeIQ4NLBlocks(job, out);
}

static void DequantizeIQ4NLOnTarget(const uint8_t* blocks, size_t count,
                                    float* out) {
  DequantizeIQ4NLBlocks(blocks, count, out);
}

static void QuantizeIQ4XSOnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeIQ4XSRuns(job, out);
}

static void DequantizeIQ4XSOnTarget(const uint8_t* blocks, size_t count,
                                    float* out) {
  DequantizeIQ4XSBlocks(blocks, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeIQ4NLOnTarget);
HWY_EXPORT(DequantizeIQ4NLOnTarget);
HWY_EXPORT(QuantizeIQ4XSOnTarget);
HWY_EXPORT(DequantizeIQ4XSOnTarget);
}  // namespace

void QuantizeIQ4NL(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeIQ4NLOnTarget)(job, out);
}

void DequantizeIQ4NL(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeIQ4NLOnTarget)(blocks, count, out);
}

void QuantizeIQ4XS(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeIQ4XSOnTarget)(job, out);
}

void DequantizeIQ4XS(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeIQ4XSOnTarget)(blocks, count, out);
}

}  // namespace quant
#endif  // HWY_ONCE
