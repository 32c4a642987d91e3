// File: quant/q2_k.h
//
// Q2_K: super-blocks of 16 x 16 weights, each scale * level - minimum with
// 2-bit levels and 4-bit scales and minima. 84 bytes:
//   16 bytes of scales (low nibbles) and minima (high nibbles),
//   64 bytes of levels, F16 scale, F16 minimum

#ifndef QUANT_Q2_K_H_
#define QUANT_Q2_K_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeQ2K(const QuantizeJob& job, uint8_t* out);
void DequantizeQ2K(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_Q2_K_H_
