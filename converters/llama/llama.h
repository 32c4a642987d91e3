// File: converters/llama/llama.h
//
// Llama and what shares its layout: Mistral (v0.1 to v0.3 and Nemo) and the
// many fine-tunes of both.

#ifndef CONVERTERS_LLAMA_LLAMA_H_
#define CONVERTERS_LLAMA_LLAMA_H_

#include "converters/converter.h"

namespace converters {

// The converter; lives as long as the program.
const Converter& LlamaConverter();

}  // namespace converters

#endif  // CONVERTERS_LLAMA_LLAMA_H_
