#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/q5_k.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/q45_k-inl.h"

QUANT_CODECS(Q5_KCodecs, {TensorType::kQ5_K, QuantizeQ45K<Q5KFormat>,
                          DequantizeQ45K<Q5KFormat>})
