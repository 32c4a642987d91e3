#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/ternary.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/ternary-inl.h"

QUANT_CODECS(TernaryCodecs,
             {TensorType::kTQ1_0, QuantizeTQ10Blocks, DequantizeTQ10Blocks},
             {TensorType::kTQ2_0, QuantizeTQ20Blocks, DequantizeTQ20Blocks})
