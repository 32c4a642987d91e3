#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/fp4.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/fp4-inl.h"

QUANT_CODECS(FP4Codecs,
             {TensorType::kMXFP4, QuantizeMXFP4Blocks, DequantizeMXFP4Blocks},
             {TensorType::kNVFP4, QuantizeNVFP4Blocks, DequantizeNVFP4Blocks})
