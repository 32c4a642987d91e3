// File: quant/low_bits.h
//
// Q1_0 and Q2_0: one and two bits for a weight.
// Q1_0: blocks of 128 signs, 18 bytes: F16 mean magnitude, 16 bytes of signs
// Q2_0: blocks of 64 weights, -1, 0, 1 or 2 times the scale, 18 bytes: F16
//   scale, 16 bytes of levels

#ifndef QUANT_LOW_BITS_H_
#define QUANT_LOW_BITS_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeQ10(const QuantizeJob& job, uint8_t* out);
void DequantizeQ10(const uint8_t* blocks, size_t count, float* out);

void QuantizeQ20(const QuantizeJob& job, uint8_t* out);
void DequantizeQ20(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_LOW_BITS_H_
