// File: converters/vocab/tokenizer_class.h
//
// Which tokenizer class transformers 5 loads for a checkpoint, and what of the
// class shows in the vocabulary. Most classes keep a tokenizer.json as it is;
// a few rebuild the tokenizer from its vocabulary and merges alone, and bring
// special tokens of their own.

#ifndef CONVERTERS_VOCAB_TOKENIZER_CLASS_H_
#define CONVERTERS_VOCAB_TOKENIZER_CLASS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "nlohmann/json_fwd.hpp"

namespace vocab {

struct TokenizerClass {
  // A special token that the class has unless tokenizer_config.json says
  // otherwise: {"bos_token", "<s>"}.
  struct Default {
    absl::string_view key, content;
  };

  absl::string_view name;  // "GPT2Tokenizer"
  // Added tokens and the decoder of tokenizer.json are not taken over; added
  // tokens come from tokenizer_config.json.
  bool rebuilds = false;
  // Is made for byte-level BPE, not for SentencePiece-like BPE.
  bool byte_level = false;
  // Adds all special tokens once more, as such.
  bool marks_special_tokens = false;
  // tokenizer.ggml.pre of a checkpoint that has vocab.json and merges.txt but
  // no tokenizer.json; empty if the class can't read those.
  absl::string_view pre_tokenizer = "";
  absl::Span<const Default> defaults;
};

// The class that transformers registers for a model type. Where that is the
// plain backend, it is used whatever tokenizer_config.json says.
struct ModelTokenizerClass {
  absl::string_view model_type;
  absl::string_view class_name;
};
inline constexpr absl::string_view kPlainTokenizerClass = "TokenizersBackend";

// The class for a checkpoint with this config.json and tokenizer_config.json
// (null if absent), whose architecture has these classes for model types.
const TokenizerClass& FindTokenizerClass(
    const nlohmann::json& config, const nlohmann::json& tokenizer_config,
    absl::Span<const ModelTokenizerClass> models);

// The class that keeps a tokenizer.json as it is.
const TokenizerClass& PlainTokenizerClass();

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_TOKENIZER_CLASS_H_
