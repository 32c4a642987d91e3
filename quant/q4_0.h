// File: quant/q4_0.h
//
// Q4_0 and Q4_1: blocks of 32 weights with 4-bit levels; scale * (level - 8) in
// 18 bytes, or scale * level + minimum in 20.
//   F16 scale, (Q4_1: F16 minimum,) 16 bytes of levels

#ifndef QUANT_Q4_0_H_
#define QUANT_Q4_0_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeQ40(const QuantizeJob& job, uint8_t* out);
void DequantizeQ40(const uint8_t* blocks, size_t count, float* out);

void QuantizeQ41(const QuantizeJob& job, uint8_t* out);
void DequantizeQ41(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_Q4_0_H_
