// File: quant/float_types.h
//
// What else there is to do with floats, beside the codecs of F32, F16 and BF16.

#ifndef QUANT_FLOAT_TYPES_H_
#define QUANT_FLOAT_TYPES_H_

#include <cstddef>

namespace quant {

// Each value to the nearest F16 and back, in place.
void RoundElementsToF16(float* values, size_t count);

// The index of the first value whose magnitude is not below `limit`, or
// `count`.
size_t FindElementNotBelow(float limit, const float* values, size_t count);

}  // namespace quant

#endif  // QUANT_FLOAT_TYPES_H_
