// File: testdata/generator/tokenizers.h
//
// Small tokenizers of the kinds that published models have, made from a list
// of common words, so that they split English text sensibly.

#ifndef TESTDATA_GENERATOR_TOKENIZERS_H_
#define TESTDATA_GENERATOR_TOKENIZERS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace testdata {

// Writes tokenizer.model, a SentencePiece BPE of `tokens` pieces with byte
// fallback, and tokenizer_config.json to `directory`.
absl::Status WriteSentencePiece(const std::string& directory, int tokens);

// Writes tokenizer.json, a byte-level BPE of `tokens` entries, and
// tokenizer_config.json. `kind` says how text is split and which special
// tokens there are: "llama3", "starcoder", "falcon" or "gpt_neox".
absl::Status WriteByteLevelBpe(const std::string& directory, int tokens,
                               absl::string_view kind);

}  // namespace testdata

#endif  // TESTDATA_GENERATOR_TOKENIZERS_H_
