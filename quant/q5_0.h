// File: quant/q5_0.h
//
// Q5_0 and Q5_1: blocks of 32 weights with 5-bit levels; scale * (level - 16)
// in 22 bytes, or scale * level + minimum in 24.
//   F16 scale, (Q5_1: F16 minimum,) 4 bytes of the levels' high bits,
//   16 bytes of their low nibbles

#ifndef QUANT_Q5_0_H_
#define QUANT_Q5_0_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeQ50(const QuantizeJob& job, uint8_t* out);
void DequantizeQ50(const uint8_t* blocks, size_t count, float* out);

void QuantizeQ51(const QuantizeJob& job, uint8_t* out);
void DequantizeQ51(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_Q5_0_H_
