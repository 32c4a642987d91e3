// File: quant/model_facts.h
//
// What the mixes ask of a model, from a GGUF file's metadata.

#ifndef QUANT_MODEL_FACTS_H_
#define QUANT_MODEL_FACTS_H_

#include "gguf/metadata.h"
#include "quant/mix.h"

namespace quant {

// Reads general.architecture and ARCH.block_count, ARCH.attention.head_count,
// ARCH.attention.head_count_kv and ARCH.expert_count. Keys that are absent or
// no integers count as 0, head_count_kv as head_count; of an array (one value
// per block) the first element counts.
ModelFacts FactsFromMetadata(const gguf::Metadata& metadata);

}  // namespace quant

#endif  // QUANT_MODEL_FACTS_H_
