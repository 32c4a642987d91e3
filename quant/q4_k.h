// File: quant/q4_k.h
//
// Q4_K: super-blocks of 8 x 32 weights, each scale * level - minimum with 4-bit
// levels and 6-bit scales and minima. 144 bytes:
//   F16 scale, F16 minimum, 12 bytes of 6-bit scales and minima,
//   128 bytes of levels

#ifndef QUANT_Q4_K_H_
#define QUANT_Q4_K_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeQ4K(const QuantizeJob& job, uint8_t* out);
void DequantizeQ4K(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_Q4_K_H_
