// File: converters/vocab/special_tokens.h
//
// What a model's files say of special tokens, apart from the vocabulary: which
// ids begin, end, pad …, which of them are added to every text, the chat
// templates and the normalizer's switches. The rules are those of gguf-py's
// SpecialVocab, which several files can answer for: tokenizer.json,
// tokenizer_config.json, then config.json.

#ifndef CONVERTERS_VOCAB_SPECIAL_TOKENS_H_
#define CONVERTERS_VOCAB_SPECIAL_TOKENS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/vocab/chat_template.h"
#include "converters/vocab/tokenizer_files.h"
#include "gguf/metadata.h"

namespace vocab {

// A special token that a family's models have whether or not a file says so:
// the added token `content`, as "eot", say.
struct NamedToken {
  absl::string_view kind, content;
};

// Special tokens by kind ("bos", "eos", "eot" …), each kind once, in the order
// in which they were found.
struct SpecialTokens {
  std::vector<std::pair<std::string, uint32_t>> ids;
  std::vector<std::pair<std::string, bool>> add;
  ChatTemplates chat_templates;
  std::optional<bool> normalizer_nfc;
  std::optional<bool> normalizer_lowercase;
  std::optional<bool> normalizer_strip_accents;

  // Gives `kind` this id unless it has one already.
  void SetId(absl::string_view kind, uint32_t id);
  // The same with the id of an added token of tokenizer.json, for each of
  // `tokens` that is one.
  void SetIds(absl::Span<const NamedToken> tokens, const TokenizerFiles& files);
  // Writes the tokenizer.* keys; kinds that have no key are left out.
  void AppendTo(gguf::Metadata& metadata) const;
};

// The kinds that every model is searched for.
std::vector<std::string> DefaultTokenKinds();

// Collects the special tokens of these `kinds`. Ids at or above
// `vocabulary_size`, if given, are left out.
// Errors: InvalidArgument for a negative id or one above 32 bits, naming the
// key; DataLoss for a chat template file that can't be read.
absl::StatusOr<SpecialTokens> LoadSpecialTokens(
    const TokenizerFiles& files, std::vector<std::string> kinds,
    std::optional<uint64_t> vocabulary_size);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_SPECIAL_TOKENS_H_
