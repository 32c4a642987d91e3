#include "gguf/tensor_type.h"
#include "quant/codec.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/low_bits.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/low_bits-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static Codecs CodecsOnTarget() {
  using gguf::TensorType;
  static constexpr Codec kCodecs[] = {
      {TensorType::kQ1_0, QuantizeQ10Blocks, DequantizeQ10Blocks},
      {TensorType::kQ2_0, QuantizeQ20Blocks, DequantizeQ20Blocks},
  };
  return kCodecs;
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {

HWY_EXPORT(CodecsOnTarget);

Codecs LowBitCodecs() { return HWY_DYNAMIC_DISPATCH(CodecsOnTarget)(); }

}  // namespace quant
#endif  // HWY_ONCE
