#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q2_k.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/q2_k-inl.h"

QUANT_CODECS(Q2_KCodecs,
             {TensorType::kQ2_K, QuantizeQ2KRuns, DequantizeQ2KBlocks})
