// File: converters/starcoder/starcoder.h
//
// StarCoder and SantaCoder (GPTBigCode): learned positions, biases everywhere,
// one key-value head for all queries.

#ifndef CONVERTERS_STARCODER_STARCODER_H_
#define CONVERTERS_STARCODER_STARCODER_H_

#include "converters/converter.h"

namespace converters {

// The converter; lives as long as the program.
const Converter& StarcoderConverter();

}  // namespace converters

#endif  // CONVERTERS_STARCODER_STARCODER_H_
