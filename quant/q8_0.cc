#include "gguf/tensor_type.h"
#include "quant/codec.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q8_0.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/simple_blocks-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static Codecs CodecsOnTarget() {
  using gguf::TensorType;
  static constexpr Codec kCodecs[] = {
      {TensorType::kQ8_0, QuantizeQ80Blocks, DequantizeQ80Blocks},
  };
  return kCodecs;
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {

HWY_EXPORT(CodecsOnTarget);

Codecs Q8_0Codecs() { return HWY_DYNAMIC_DISPATCH(CodecsOnTarget)(); }

}  // namespace quant
#endif  // HWY_ONCE
