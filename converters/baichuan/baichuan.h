// File: converters/baichuan/baichuan.h
//
// Baichuan 7B (rotary positions) and 13B (ALiBi), versions 1 and 2: Llama with
// queries, keys and values packed into one tensor. The runtime tells the two
// sizes apart by their number of blocks.

#ifndef CONVERTERS_BAICHUAN_BAICHUAN_H_
#define CONVERTERS_BAICHUAN_BAICHUAN_H_

#include "converters/converter.h"

namespace converters {

// The converter; lives as long as the program.
const Converter& BaichuanConverter();

}  // namespace converters

#endif  // CONVERTERS_BAICHUAN_BAICHUAN_H_
