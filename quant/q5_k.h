// File: quant/q5_k.h
//
// Q5_K: super-blocks of 8 x 32 weights, each scale * level - minimum with 5-bit
// levels and 6-bit scales and minima. 176 bytes:
//   F16 scale, F16 minimum, 12 bytes of 6-bit scales and minima,
//   32 bytes of the high bits of levels, 128 bytes of their low nibbles

#ifndef QUANT_Q5_K_H_
#define QUANT_Q5_K_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeQ5K(const QuantizeJob& job, uint8_t* out);
void DequantizeQ5K(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_Q5_K_H_
