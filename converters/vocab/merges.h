// File: converters/vocab/merges.h
//
// The merge rules of a byte-pair encoding, as GGUF spells them.

#ifndef CONVERTERS_VOCAB_MERGES_H_
#define CONVERTERS_VOCAB_MERGES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "converters/vocab/added_tokens.h"
#include "nlohmann/json_fwd.hpp"

namespace vocab {

// The merges of tokenizer.json (`tokenizer`, may be null), spelled as strings
// "a b" or as pairs ["a", "b"]; if it has none, those of merges.txt in
// `directory`; else an empty list. Each result is "a b"; a space inside a part,
// which only pairs can have, is written as U+0120.
// Errors: InvalidArgument, naming file and merge, for one that has not two
// parts, or whose parts or result are not among the `trained` tokens.
absl::StatusOr<std::vector<std::string>> LoadMerges(
    const nlohmann::json& tokenizer, const std::string& directory,
    const TokenIds& trained);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_MERGES_H_
