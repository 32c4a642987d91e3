#include "quant/float_types.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/float_types.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/float_types-inl.h"

QUANT_CODECS(FloatCodecs,
             {TensorType::kF32, QuantizeF32Elements, DequantizeF32Elements},
             {TensorType::kF16, QuantizeF16Elements, DequantizeF16Elements},
             {TensorType::kBF16, QuantizeBF16Elements, DequantizeBF16Elements})

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static void RoundElementsToF16OnTarget(float* values, size_t count) {
  RoundVectorsToF16(values, count);
}

static size_t FindElementNotBelowOnTarget(float limit, const float* values,
                                          size_t count) {
  return FindNotBelowInVectors(limit, values, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {

HWY_EXPORT(RoundElementsToF16OnTarget);
HWY_EXPORT(FindElementNotBelowOnTarget);

void RoundElementsToF16(float* values, size_t count) {
  HWY_DYNAMIC_DISPATCH(RoundElementsToF16OnTarget)(values, count);
}

size_t FindElementNotBelow(float limit, const float* values, size_t count) {
  return HWY_DYNAMIC_DISPATCH(FindElementNotBelowOnTarget)(limit, values,
                                                           count);
}

}  // namespace quant
#endif  // HWY_ONCE
