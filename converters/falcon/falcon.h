// File: converters/falcon/falcon.h
//
// Falcon: the 7B layout (one norm, one key-value head) and the 40B and 180B
// layout (two norms, groups of queries with a key-value head each).

#ifndef CONVERTERS_FALCON_FALCON_H_
#define CONVERTERS_FALCON_FALCON_H_

#include "converters/converter.h"

namespace converters {

// The converter; lives as long as the program.
const Converter& FalconConverter();

}  // namespace converters

#endif  // CONVERTERS_FALCON_FALCON_H_
