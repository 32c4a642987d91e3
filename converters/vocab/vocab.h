// File: converters/vocab/vocab.h
//
// Tokenizer files to tokenizer.* metadata, with the keys, order and values of
// llama.cpp's converter. What one family of models has of its own comes in as a
// Vocabulary, which its architecture fills.

#ifndef CONVERTERS_VOCAB_VOCAB_H_
#define CONVERTERS_VOCAB_VOCAB_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "converters/vocab/pre_tokenizer.h"
#include "converters/vocab/special_tokens.h"
#include "converters/vocab/token_list.h"
#include "converters/vocab/tokenizer_class.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/warning.h"
#include "gguf/metadata.h"
#include "nlohmann/json_fwd.hpp"

namespace vocab {

// What a vocabulary is made of, and in which order the files are tried.
enum class Kind {
  // tokenizer.json, or vocab.json and merges.txt: tokenizer.ggml.model "gpt2",
  // .pre, .tokens, .token_type, .merges, special tokens, chat templates.
  kByteLevelBpe,
  // tokenizer.model, or the BPE that tokenizer.json made of it, with
  // added_tokens.json and tokenizer_config.json: tokenizer.ggml.model "llama",
  // .pre, .tokens, .scores, .token_type, special tokens, chat templates.
  kSentencePiece,
  // The same if one of these is there, else byte-level BPE.
  kSentencePieceOrByteLevel,
  // Byte-level BPE if there is a tokenizer.json (or vocab.json), else
  // tokenizer.model.
  kByteLevelOrSentencePiece,
  // A SentencePiece-like BPE in tokenizer.json: SentencePiece's keys.
  kSentencePieceLike,
  // tokenizer.model, else a SentencePiece-like BPE in tokenizer.json (metaspace
  // and byte fallback: SentencePiece's keys), else byte-level BPE; before all,
  // add_space_prefix if tokenizer_config.json has add_prefix_space.
  kLlama,
};

struct Vocabulary {
  Kind kind = Kind::kByteLevelBpe;
  // Rows of the embedding, which is config.json's vocab_size; 0 if it says
  // nothing. A smaller vocabulary is filled up with "[PADn]" tokens.
  uint64_t size = 0;
  // Names of the family's own; must outlive the call.
  absl::Span<const PreTokenizerName> pre_tokenizers = {};
  absl::Span<const ModelTokenizerClass> tokenizer_classes = {};
  // What special tokens are called where no file says it.
  absl::Span<const NamedToken> named_tokens = {};
  // SentencePiece: an added token's mark alone says whether it is a control
  // token, its text stays as it is, and those of tokenizer.json count as well.
  bool marks_decide = false;
  // SentencePiece: tokenizer.ggml.scores is written.
  bool has_scores = true;
  // Changes the tokens before they are written.
  std::function<absl::Status(const TokenizerFiles&, TokenList&)> edit = nullptr;
  // Adds keys between the tokens and the special tokens.
  std::function<absl::Status(const TokenizerFiles&, gguf::Metadata&)>
      after_tokens = nullptr;
  // Adds what the family has on top, after all other keys.
  std::function<absl::Status(const TokenizerFiles&, gguf::Metadata&)> finish =
      nullptr;
};

// All pointers outlive the call.
struct VocabInput {
  std::string directory;                          // of the tokenizer files
  const nlohmann::json* config;                   // config.json, parsed
  std::optional<std::string> pre_tokenizer = {};  // overrides what is found
  std::vector<converters::Warning>* warnings;     // tokens that were left out
};

// For Vocabulary's hooks: adds add_space_prefix if tokenizer_config.json has
// add_prefix_space.
absl::Status AddSpacePrefix(const TokenizerFiles& files,
                            gguf::Metadata& metadata);

// The tokenizer.* keys of the files in `input.directory`.
// Errors: InvalidArgument, DataLoss or NotFound, with the file and the entry.
absl::StatusOr<gguf::Metadata> LoadVocabulary(const Vocabulary& vocabulary,
                                              const VocabInput& input);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_VOCAB_H_
