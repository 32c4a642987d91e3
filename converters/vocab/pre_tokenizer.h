// File: converters/vocab/pre_tokenizer.h
//
// The name that tokenizer.ggml.pre gives to a way of splitting text before
// byte-pair encoding. It is found from the structure of a tokenizer.json, so
// that added tokens, which change what a sample text encodes to, change
// nothing.

#ifndef CONVERTERS_VOCAB_PRE_TOKENIZER_H_
#define CONVERTERS_VOCAB_PRE_TOKENIZER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "nlohmann/json_fwd.hpp"

namespace vocab {

// What decides how text is split, in a readable spelling. A step names its
// type and the settings that matter: `Split Isolated \p{N}{1,3}`,
// `Digits`, `ByteLevel` (which splits only if followed by `by words`).
struct SplitStructure {
  std::vector<std::string> normalizers;
  std::vector<std::string> pre_tokenizers;
  // A word that is a token as a whole is not built from merges.
  bool ignore_merges = false;
  // The post-processor puts a special token before every text.
  bool adds_bos = false;
  // Spaces before punctuation are explicitly kept in decoded text.
  bool keeps_spaces = false;
};

// Reads the structure from a parsed tokenizer.json and tokenizer_config.json
// (which may be null). Different spellings of the same step come out alike:
// "Digits individually" is `Split Isolated \p{N}`, possessive quantifiers are
// greedy ones, a control character in a pattern is its escape.
SplitStructure ReadSplitStructure(const nlohmann::json& tokenizer,
                                  const nlohmann::json& tokenizer_config);

// The structure, one step a line, for messages.
std::string Describe(const SplitStructure& structure);

// What else must hold for a name. Some names stand for the same splitting and
// differ in other things that the runtime does for them.
enum class Condition {
  kAlways,
  kIgnoresMerges,
  kAddsBos,
  kKeepsSpaces,
};

// A family's own name for a structure that the table (pre_tokenizer_table.h)
// knows under another: the runtime has several for some.
struct PreTokenizerName {
  absl::string_view known;
  absl::string_view own;
  Condition condition = Condition::kAlways;
};

// The runtime's name for `structure`, in a model whose family has these names
// of its own.
// Errors: NotFound, with the structure, the nearest known ones and the flag
// that sets the name by hand.
absl::StatusOr<std::string> FindPreTokenizer(
    const SplitStructure& structure,
    absl::Span<const PreTokenizerName> own_names = {});

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_PRE_TOKENIZER_H_
