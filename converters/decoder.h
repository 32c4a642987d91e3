// File: converters/decoder.h
//
// Tensors that many decoders have, under the names that transformers gives
// them.

#ifndef CONVERTERS_DECODER_H_
#define CONVERTERS_DECODER_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "converters/config/text_model.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"

namespace converters {

// token_embd, output_norm and, if it is stored, output.
void EmbeddingAndHead(Tensors& tensors, const TextSizes& sizes,
                      bool with_head = true);

// How the two values that rotate together stand in a head of queries or keys.
enum class RotaryOrder {
  kHalves,  // as transformers has them, and GGUF for most architectures
  kPairs,   // side by side in GGUF
};

// attn_q, attn_k, attn_v and attn_output from self_attn.*_proj, each with its
// bias if there is one.
void Attention(Names& block, const TextSizes& sizes,
               RotaryOrder order = RotaryOrder::kHalves);

// Llama's block: attn_norm, attention, ffn_norm and a gated feed-forward.
void LlamaBlock(Names& block, const TextSizes& sizes,
                RotaryOrder order = RotaryOrder::kHalves);

// How many of `values` rotate: the share that config.json's
// partial_rotary_factor says, or `fallback`, rounded down.
// Errors: InvalidArgument if it is no number from 0 to 1.
absl::StatusOr<uint64_t> RotatedPart(const Config& config, double fallback,
                                     uint64_t values);

// Takes "language_model." out of names, which models that also see or hear have
// in those of their text model, and leaves out their other parts.
void DropMultimodal(Tensors& tensors);

// Llama's keys: the common ones, then vocab_size and rope.dimension_count.
// Errors: as for AddTextParameters.
absl::Status AddLlamaParameters(absl::string_view architecture,
                                const Config& config, const TextSizes& sizes,
                                gguf::Metadata& metadata);

// The vocabulary that Llama's kin has, with what CodeLlama and Granite Code,
// known by their number of tokens, have in addition.
vocab::Vocabulary LlamaVocabulary(uint64_t size);

// Which blocks look at a window only, by config.json's layer_types; empty if
// there are none.
// Errors: InvalidArgument where they are not as many as `blocks`.
absl::StatusOr<std::vector<bool>> SlidingBlocks(const Config& config,
                                                uint64_t blocks);
// The same where every `period`-th block looks at everything.
std::vector<bool> AllButEvery(uint64_t period, uint64_t blocks);

}  // namespace converters

#endif  // CONVERTERS_DECODER_H_
