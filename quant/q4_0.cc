#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q4_0.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/simple_blocks-inl.h"

QUANT_CODECS(Q4_0Codecs,
             {TensorType::kQ4_0, QuantizeSimple<Q40Format>,
              DequantizeSimple<Q40Format>},
             {TensorType::kQ4_1, QuantizeSimple<Q41Format>,
              DequantizeSimple<Q41Format>})
