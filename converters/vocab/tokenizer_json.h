// File: converters/vocab/tokenizer_json.h
//
// The tokens of a byte-pair encoding that Hugging Face's `tokenizers` wrote:
// tokenizer.json, or vocab.json of older checkpoints.

#ifndef CONVERTERS_VOCAB_TOKENIZER_JSON_H_
#define CONVERTERS_VOCAB_TOKENIZER_JSON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "converters/vocab/added_tokens.h"
#include "converters/vocab/token_list.h"
#include "converters/vocab/tokenizer_class.h"

namespace vocab {

// The trained vocabulary: model.vocab of tokenizer.json, or vocab.json if
// there is no tokenizer.json and the class reads that.
// Errors: NotFound if there is neither; InvalidArgument for a model that is no
// byte-pair encoding, an id that is no integer of 0 or more, or one that two
// tokens have.
absl::StatusOr<TokenIds> ReadTrainedTokens(
    const TokenizerFiles& files, const TokenizerClass& tokenizer_class);

// The vocabulary of a byte-level BPE: `vocab_size` tokens (as many as there are
// if absent), with fillers where no token has the id. The scores mean nothing.
// Errors: InvalidArgument if a token's id is not below `vocab_size`.
absl::StatusOr<TokenList> ByteLevelTokens(const TokenizerFiles& files,
                                          const TokenizerClass& tokenizer_class,
                                          const TokenIds& trained,
                                          std::optional<uint64_t> vocab_size);

// True if tokenizer.json holds a BPE with byte fallback: one that was made of a
// SentencePiece model.
bool HasByteFallback(const TokenizerFiles& files);

// The pieces of that model, by id. Its scores are not in the file, but
// SentencePiece's BPE always gives its n-th normal piece the score -n; that the
// merges stand in this order is checked. Gaps are fillers.
// Errors: InvalidArgument if they do not, or as of ReadTrainedTokens.
absl::StatusOr<TokenList> PiecesOfTokenizerJson(const TokenizerFiles& files);

// True if tokenizer.json holds a SentencePiece-like BPE: byte fallback and a
// decoder in several steps.
bool IsSentencePieceLike(const TokenizerFiles& files);

// The vocabulary of such a tokenizer, scores and types as the reference gives
// them without tokenizer.model.
absl::StatusOr<TokenList> SentencePieceLikeTokens(
    const TokenizerFiles& files, const TokenizerClass& tokenizer_class,
    const TokenIds& trained, std::optional<uint64_t> vocab_size);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_TOKENIZER_JSON_H_
