// File: quant/fp4.h
//
// MXFP4 and NVFP4: 4-bit floats (E2M1) with the scales of small_floats.h.
// MXFP4: blocks of 32 weights, 17 bytes: E8M0 scale, 16 bytes of elements
// NVFP4: blocks of 4 x 16 weights, 36 bytes: 4 UE4M3 scales, 32 bytes of
//   elements

#ifndef QUANT_FP4_H_
#define QUANT_FP4_H_

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace quant {

void QuantizeMXFP4(const QuantizeJob& job, uint8_t* out);
void DequantizeMXFP4(const uint8_t* blocks, size_t count, float* out);

void QuantizeNVFP4(const QuantizeJob& job, uint8_t* out);
void DequantizeNVFP4(const uint8_t* blocks, size_t count, float* out);

}  // namespace quant

#endif  // QUANT_FP4_H_
