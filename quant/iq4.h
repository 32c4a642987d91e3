// File: quant/iq4.h
//
// IQ4_NL and IQ4_XS: levels of 4 bits that stand for 16 unevenly spaced values.
// IQ4_NL: blocks of 32 weights, 18 bytes:
//   F16 scale, 16 bytes of levels
// IQ4_XS: super-blocks of 8 x 32 weights with 6-bit scales, 136 bytes:
//   F16 scale, 2 bytes of the scales' high two bits, 4 bytes of their low
//   nibbles, 128 bytes of levels

#ifndef QUANT_IQ4_H_
#define QUANT_IQ4_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeIQ4NL(const QuantizeJob& job, uint8_t* out);
void DequantizeIQ4NL(const uint8_t* blocks, size_t count, float* out);

void QuantizeIQ4XS(const QuantizeJob& job, uint8_t* out);
void DequantizeIQ4XS(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_IQ4_H_
