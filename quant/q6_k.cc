#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q6_k.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/q6_k-inl.h"

QUANT_CODECS(Q6_KCodecs,
             {TensorType::kQ6_K, QuantizeQ6KRuns, DequantizeQ6KBlocks})
