// File: quant/ternary.h
//
// TQ1_0 and TQ2_0: super-blocks of 256 weights, -1, 0 or 1 times one scale.
// TQ1_0: 54 bytes: 52 of five (the last four: four) levels each, F16 scale
// TQ2_0: 66 bytes: 64 of four levels each, F16 scale

#ifndef QUANT_TERNARY_H_
#define QUANT_TERNARY_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeTQ10(const QuantizeJob& job, uint8_t* out);
void DequantizeTQ10(const uint8_t* blocks, size_t count, float* out);

void QuantizeTQ20(const QuantizeJob& job, uint8_t* out);
void DequantizeTQ20(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_TERNARY_H_
