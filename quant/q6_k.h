// File: quant/q6_k.h
//
// Q6_K: super-blocks of 16 x 16 weights, each scale * level with 6-bit levels
// in
// [-32, 31] and 8-bit scales. 210 bytes:
//   128 bytes of the levels' low nibbles, 64 bytes of their high two bits,
//   16 bytes of scales, F16 scale

#ifndef QUANT_Q6_K_H_
#define QUANT_Q6_K_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeQ6K(const QuantizeJob& job, uint8_t* out);
void DequantizeQ6K(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_Q6_K_H_
