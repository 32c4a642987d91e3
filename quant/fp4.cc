#include "gguf/tensor_type.h"
#include "quant/codec.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/fp4.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/fp4-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static Codecs CodecsOnTarget() {
  using gguf::TensorType;
  static constexpr Codec kCodecs[] = {
      {TensorType::kMXFP4, QuantizeMXFP4Blocks, DequantizeMXFP4Blocks},
      {TensorType::kNVFP4, QuantizeNVFP4Blocks, DequantizeNVFP4Blocks},
  };
  return kCodecs;
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {

HWY_EXPORT(CodecsOnTarget);

Codecs FP4Codecs() { return HWY_DYNAMIC_DISPATCH(CodecsOnTarget)(); }

}  // namespace quant
#endif  // HWY_ONCE
