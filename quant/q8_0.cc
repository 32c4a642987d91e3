#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q8_0.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/simple_blocks-inl.h"

QUANT_CODECS(Q8_0Codecs,
             {TensorType::kQ8_0, QuantizeQ80Blocks, DequantizeQ80Blocks})
