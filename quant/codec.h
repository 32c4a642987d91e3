// File: quant/codec.h
//
// What the kernels of all block formats have in common: the shape of a job
// and of the functions that do it. Only targets in this directory use it; the
// public interface is quantize.h.

#ifndef QUANT_CODEC_H_
#define QUANT_CODEC_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "gguf/tensor_type.h"

namespace quant {

// Weights in a super-block of the K formats.
inline constexpr size_t kSuperBlock = 256;

// Rows to quantize. Blocks never straddle rows, and row_size is a multiple of
// the block size, so without importance the rows are just one run of blocks.
struct QuantizeJob {
  const float* weights;  // num_rows * row_size
  size_t num_rows;
  size_t row_size;
  const float* importance;  // row_size weights >= 0, or null

  size_t size() const { return num_rows * row_size; }
};

// The kernels of one tensor type.
struct Codec {
  gguf::TensorType type;
  void (*quantize)(const QuantizeJob& job, uint8_t* out);
  // `count` weights, a multiple of the block size.
  void (*dequantize)(const uint8_t* blocks, size_t count, float* out);
};

using Codecs = absl::Span<const Codec>;

// The types whose kernels share a source file; the codecs are those for the
// best SIMD target of this CPU.
#define QUANT_CODEC_FAMILIES(FAMILY)         \
  FAMILY(FloatCodecs) /* F32, F16, BF16 */   \
  FAMILY(Q4_0Codecs)  /* and Q4_1 */         \
  FAMILY(Q5_0Codecs)  /* and Q5_1 */         \
  FAMILY(Q8_0Codecs)                         \
  FAMILY(Q2_KCodecs)                         \
  FAMILY(Q3_KCodecs)                         \
  FAMILY(Q4_KCodecs)                         \
  FAMILY(Q5_KCodecs)                         \
  FAMILY(Q6_KCodecs)                         \
  FAMILY(IQ4Codecs)     /* IQ4_NL, IQ4_XS */ \
  FAMILY(TernaryCodecs) /* TQ1_0, TQ2_0 */   \
  FAMILY(FP4Codecs)     /* MXFP4, NVFP4 */   \
  FAMILY(LowBitCodecs)  /* Q1_0, Q2_0 */

#define QUANT_DECLARE_FAMILY(family) Codecs family();
QUANT_CODEC_FAMILIES(QUANT_DECLARE_FAMILY)
#undef QUANT_DECLARE_FAMILY

}  // namespace quant

#endif  // QUANT_CODEC_H_
