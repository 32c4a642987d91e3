// File: quant/float_types.h
//
// F16 and BF16: one weight after the other, rounded to nearest even. Rows have
// any length. Bytes may stand at any address.

#ifndef QUANT_FLOAT_TYPES_H_
#define QUANT_FLOAT_TYPES_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeF16(const QuantizeJob& job, uint8_t* out);
void DequantizeF16(const uint8_t* blocks, size_t count, float* out);

void QuantizeBF16(const QuantizeJob& job, uint8_t* out);
void DequantizeBF16(const uint8_t* blocks, size_t count, float* out);

// Each value to the nearest F16 and back, in place.
void RoundElementsToF16(float* values, size_t count);

// The index of the first infinity or NaN, or `count`.
size_t FindNonFiniteElement(const float* values, size_t count);

}  // namespace quant

#endif  // QUANT_FLOAT_TYPES_H_
