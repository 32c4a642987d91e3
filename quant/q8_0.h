// File: quant/q8_0.h
//
// Q8_0: blocks of 32 weights, scale * level with 8-bit levels. 34 bytes:
//   F16 scale, 32 bytes of levels

#ifndef QUANT_Q8_0_H_
#define QUANT_Q8_0_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeQ80(const QuantizeJob& job, uint8_t* out);
void DequantizeQ80(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_Q8_0_H_
