#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q5_0.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/simple_blocks-inl.h"

QUANT_CODECS(Q5_0Codecs,
             {TensorType::kQ5_0, QuantizeSimple<Q50Format>,
              DequantizeSimple<Q50Format>},
             {TensorType::kQ5_1, QuantizeSimple<Q51Format>,
              DequantizeSimple<Q51Format>})
