#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/iq4.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "quant/codec_dispatch-inl.h"
#include "quant/iq4-inl.h"

QUANT_CODECS(IQ4Codecs,
             {TensorType::kIQ4_NL, QuantizeIQ4NLBlocks, DequantizeIQ4NLBlocks},
             {TensorType::kIQ4_XS, QuantizeIQ4XSRuns, DequantizeIQ4XSBlocks})
