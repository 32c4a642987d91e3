#include "gguf/tensor_type.h"
#include "quant/codec.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/iq4.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/iq4-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static Codecs CodecsOnTarget() {
  using gguf::TensorType;
  static constexpr Codec kCodecs[] = {
      {TensorType::kIQ4_NL, QuantizeIQ4NLBlocks, DequantizeIQ4NLBlocks},
      {TensorType::kIQ4_XS, QuantizeIQ4XSRuns, DequantizeIQ4XSBlocks},
  };
  return kCodecs;
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {

HWY_EXPORT(CodecsOnTarget);

Codecs IQ4Codecs() { return HWY_DYNAMIC_DISPATCH(CodecsOnTarget)(); }

}  // namespace quant
#endif  // HWY_ONCE
