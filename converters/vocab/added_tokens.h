// File: converters/vocab/added_tokens.h
//
// Which tokens a checkpoint's files add to the trained vocabulary. Five files
// can name some, and the tokenizer's class more; the result is the one that
// transformers 5 comes to when it loads the tokenizer.

#ifndef CONVERTERS_VOCAB_ADDED_TOKENS_H_
#define CONVERTERS_VOCAB_ADDED_TOKENS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "converters/vocab/added_vocabulary.h"
#include "converters/vocab/tokenizer_class.h"
#include "nlohmann/json.hpp"

namespace vocab {

// The tokenizer's JSON files, null (the JSON value) where there is none.
struct TokenizerFiles {
  std::string directory;
  nlohmann::json tokenizer;           // tokenizer.json
  nlohmann::json tokenizer_config;    // tokenizer_config.json
  nlohmann::json special_tokens_map;  // special_tokens_map.json
  nlohmann::json added_tokens;        // added_tokens.json
};

// Errors: DataLoss for a file that is no JSON object.
absl::StatusOr<TokenizerFiles> ReadTokenizerFiles(const std::string& directory);

// Adds the tokens to `added`, and returns the texts of all tokens that are
// special by name or by list (not those that only their flag makes special).
// A token that only the class's defaults name is left out if it would not fit
// into `vocab_size`.
// Errors: InvalidArgument, naming file and key, for entries of a wrong type.
absl::StatusOr<std::vector<std::string>> CollectAddedTokens(
    const TokenizerFiles& files, const TokenizerClass& tokenizer_class,
    std::optional<uint64_t> vocab_size, const TokenIds& trained,
    AddedVocabulary& added);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_ADDED_TOKENS_H_
