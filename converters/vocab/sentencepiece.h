// File: converters/vocab/sentencepiece.h
//
// The tokens of a SentencePiece vocabulary: tokenizer.model, or what
// tokenizer.json says of it, and what added_tokens.json and
// tokenizer_config.json add to it or change in it.

#ifndef CONVERTERS_VOCAB_SENTENCEPIECE_H_
#define CONVERTERS_VOCAB_SENTENCEPIECE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "converters/vocab/added_tokens.h"
#include "converters/vocab/token_list.h"
#include "converters/warning.h"

namespace vocab {

// `vocab_size` tokens (as many as the model has pieces if absent): the model's
// pieces, fillers after them, and over both the added tokens. What has an id
// beyond `vocab_size` is left out and said in `warnings`, which may be null.
// `marks_decide`: as in Vocabulary (vocab.h).
// Errors: DataLoss if tokenizer.model is damaged; InvalidArgument if an entry
// of the other files is wrong.
absl::StatusOr<TokenList> SentencePieceTokens(
    const TokenizerFiles& files, std::optional<uint64_t> vocab_size,
    std::vector<converters::Warning>* warnings, bool marks_decide = false);

// Whether the model in `directory`/tokenizer.model puts a space before every
// text.
// Errors: as above.
absl::StatusOr<bool> AddsDummyPrefix(const std::string& directory);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_SENTENCEPIECE_H_
