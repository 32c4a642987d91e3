#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q3_k.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/q3_k-inl.h"

QUANT_CODECS(Q3_KCodecs,
             {TensorType::kQ3_K, QuantizeQ3KRuns, DequantizeQ3KBlocks})
