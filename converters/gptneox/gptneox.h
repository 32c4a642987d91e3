// File: converters/gptneox/gptneox.h
//
// GPT-NeoX: GPT-NeoX-20B, Pythia, Dolly, RedPajama. Rotary positions on a part
// of each head, residuals in parallel or not.

#ifndef CONVERTERS_GPTNEOX_GPTNEOX_H_
#define CONVERTERS_GPTNEOX_GPTNEOX_H_

#include "converters/converter.h"

namespace converters {

// The converter; lives as long as the program.
const Converter& GptNeoxConverter();

}  // namespace converters

#endif  // CONVERTERS_GPTNEOX_GPTNEOX_H_
