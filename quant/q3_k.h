// File: quant/q3_k.h
//
// Q3_K: super-blocks of 16 x 16 weights, each scale * level with 3-bit levels
// in
// [-4, 3] and 6-bit scales in [-32, 31]. 110 bytes:
//   32 bytes of the levels' high bits, 64 bytes of their low two bits,
//   12 bytes of scales, F16 scale

#ifndef QUANT_Q3_K_H_
#define QUANT_Q3_K_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeQ3K(const QuantizeJob& job, uint8_t* out);
void DequantizeQ3K(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_Q3_K_H_
