// File: converters/starcoder2/starcoder2.h
//
// StarCoder2: rotary positions, grouped queries, biases everywhere.

#ifndef CONVERTERS_STARCODER2_STARCODER2_H_
#define CONVERTERS_STARCODER2_STARCODER2_H_

#include "converters/converter.h"

namespace converters {

// The converter; lives as long as the program.
const Converter& Starcoder2Converter();

}  // namespace converters

#endif  // CONVERTERS_STARCODER2_STARCODER2_H_
