#include "gguf/tensor_type.h"
#include "quant/codec.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q4_0.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/simple_blocks-inl.h"

HWY_BEFORE_NAMESPACE();
namespace quant {
namespace HWY_NAMESPACE {

static Codecs CodecsOnTarget() {
  using gguf::TensorType;
  static constexpr Codec kCodecs[] = {
      {TensorType::kQ4_0, QuantizeSimple<Q40Format>,
       DequantizeSimple<Q40Format>},
      {TensorType::kQ4_1, QuantizeSimple<Q41Format>,
       DequantizeSimple<Q41Format>},
  };
  return kCodecs;
}

}  // namespace HWY_NAMESPACE
}  // namespace quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quant {

HWY_EXPORT(CodecsOnTarget);

Codecs Q4_0Codecs() { return HWY_DYNAMIC_DISPATCH(CodecsOnTarget)(); }

}  // namespace quant
#endif  // HWY_ONCE
