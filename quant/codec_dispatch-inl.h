// File: quant/codec_dispatch-inl.h
//
// What each file of kernels ends with: QUANT_CODECS(Q4_KCodecs, {type,
// quantize, dequantize}, …) defines that function of codec.h. Like the kernels,
// included once for each SIMD target.

#include "gguf/tensor_type.h"
#include "hwy/highway.h"
#include "quant/codec.h"

// Nothing here computes, so it needs no HWY_BEFORE_NAMESPACE, whose pragmas do
// not survive in a macro under GCC 16.
#undef QUANT_CODECS_OF_TARGET
#define QUANT_CODECS_OF_TARGET(...)                   \
  namespace quant {                                   \
  namespace HWY_NAMESPACE {                           \
  static Codecs CodecsOfTarget() {                    \
    using gguf::TensorType;                           \
    static constexpr Codec kCodecs[] = {__VA_ARGS__}; \
    return kCodecs;                                   \
  }                                                   \
  }                                                   \
  }

#undef QUANT_CODECS
#if HWY_ONCE
#define QUANT_CODECS(family, ...)                                    \
  QUANT_CODECS_OF_TARGET(__VA_ARGS__)                                \
  namespace quant {                                                  \
  HWY_EXPORT(CodecsOfTarget);                                        \
  Codecs family() { return HWY_DYNAMIC_DISPATCH(CodecsOfTarget)(); } \
  }
#else
#define QUANT_CODECS(family, ...) QUANT_CODECS_OF_TARGET(__VA_ARGS__)
#endif
