#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/low_bits.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/low_bits-inl.h"

QUANT_CODECS(LowBitCodecs,
             {TensorType::kQ1_0, QuantizeQ10Blocks, DequantizeQ10Blocks},
             {TensorType::kQ2_0, QuantizeQ20Blocks, DequantizeQ20Blocks})
