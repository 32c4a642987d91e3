// File: converters/vocab/vocab.h
//
// Tokenizer files to tokenizer.* metadata, with the keys, order and values of
// llama.cpp's converter.

#ifndef CONVERTERS_VOCAB_VOCAB_H_
#define CONVERTERS_VOCAB_VOCAB_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "converters/warning.h"
#include "gguf/metadata.h"
#include "nlohmann/json_fwd.hpp"

namespace vocab {

struct VocabInput {
  std::string directory;         // of the tokenizer files
  const nlohmann::json* config;  // config.json, parsed
  // Rows of the embedding (config's vocab_size); absent if config has none.
  std::optional<uint64_t> vocab_size;
  std::optional<std::string> pre_tokenizer;  // overrides what is found
  // Added tokens without a row in the embedding are left out, with a warning,
  // instead of being an error. SentencePiece only: the reference does so there.
  bool ignore_extra_tokens = false;
  // Collects what a user should hear: tokens that were left out. May be null.
  std::vector<converters::Warning>* warnings = nullptr;
};

// Which tokenizer files the directory holds.
bool HasSentencePieceModel(const std::string& directory);  // tokenizer.model
bool HasTokenizerJson(const std::string& directory);

// All of the following: errors are InvalidArgument, DataLoss or NotFound, and
// name the file and the entry. A vocabulary that is smaller than `vocab_size`
// is filled up with "[PADn]" tokens, one that is larger is an error.

// tokenizer.model (SentencePiece) with added_tokens.json,
// tokenizer_config.json: tokenizer.ggml.model, .pre, .tokens, .scores,
// .token_type, then the special tokens and the chat templates.
absl::StatusOr<gguf::Metadata> LoadSentencePiece(const VocabInput& input);

// tokenizer.json of a SentencePiece-like BPE (no tokenizer.model; metaspace,
// byte fallback): the same keys, as LlamaHfVocab gives them. The reference
// fills up no such vocabulary, and the runtime refuses its file.
absl::StatusOr<gguf::Metadata> LoadLlamaHf(const VocabInput& input);

// tokenizer.json, byte-level BPE: tokenizer.ggml.model "gpt2", .pre, .tokens,
// .token_type, .merges, then the special tokens and the chat templates.
absl::StatusOr<gguf::Metadata> LoadByteLevelBpe(const VocabInput& input);

// What a model of the Llama family has, whichever tokenizer it comes with: one
// of the above, in the reference's order of trial, between the few keys that
// this family adds (add_space_prefix, CodeLlama's end of turn).
absl::StatusOr<gguf::Metadata> LoadLlamaVocab(const VocabInput& input);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_VOCAB_H_
