#include "quant/float_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/float_types.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/float_types-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void QuantizeF16OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeF16Elements(job, out);
}

static void DequantizeF16OnTarget(const uint8_t* blocks, size_t count,
                                  float* out) {
  DequantizeF16Elements(blocks, count, out);
}

static void QuantizeBF16OnTarget(const QuantizeJob& job, uint8_t* out) {
  QuantizeBF16Elements(job, out);
}

static void DequantizeBF16OnTarget(const uint8_t* blocks, size_t count,
                                   float* out) {
  DequantizeBF16Elements(blocks, count, out);
}

static void RoundElementsToF16OnTarget(float* values, size_t count) {
  RoundVectorsToF16(values, count);
}

static size_t FindNonFiniteElementOnTarget(const float* values, size_t count) {
  return FindNonFiniteInVectors(values, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {
namespace {
HWY_EXPORT(QuantizeF16OnTarget);
HWY_EXPORT(DequantizeF16OnTarget);
HWY_EXPORT(QuantizeBF16OnTarget);
HWY_EXPORT(DequantizeBF16OnTarget);
HWY_EXPORT(RoundElementsToF16OnTarget);
HWY_EXPORT(FindNonFiniteElementOnTarget);
}  // namespace

void QuantizeF16(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeF16OnTarget)(job, out);
}

void DequantizeF16(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeF16OnTarget)(blocks, count, out);
}

void QuantizeBF16(const QuantizeJob& job, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantizeBF16OnTarget)(job, out);
}

void DequantizeBF16(const uint8_t* blocks, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DequantizeBF16OnTarget)(blocks, count, out);
}

void RoundElementsToF16(float* values, size_t count) {
  HWY_DYNAMIC_DISPATCH(RoundElementsToF16OnTarget)(values, count);
}

size_t FindNonFiniteElement(const float* values, size_t count) {
  return HWY_DYNAMIC_DISPATCH(FindNonFiniteElementOnTarget)(values, count);
}

}  // namespace quant
#endif  // HWY_ONCE
