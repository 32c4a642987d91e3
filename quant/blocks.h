// File: quant/blocks.h
//
// What the kernels of all block formats have in common: the shape of a job
// and of the functions that do it. Only targets in this directory use it; the
// public interface is quantize.h.

#ifndef QUANT_BLOCKS_H_
#define QUANT_BLOCKS_H_

#include <cstddef>
#include <cstdint>

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
};

using QuantizeFunction = void (*)(const QuantizeJob& job, uint8_t* out);

// `count` weights, a multiple of the block size.
using DequantizeFunction = void (*)(const uint8_t* blocks, size_t count,
                                    float* out);

}  // namespace quant

#endif  // QUANT_BLOCKS_H_
