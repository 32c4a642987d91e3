#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q4_k.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/q45_k-inl.h"

QUANT_CODECS(Q4_KCodecs, {TensorType::kQ4_K, QuantizeQ45K<Q4KFormat>,
                          DequantizeQ45K<Q4KFormat>})
