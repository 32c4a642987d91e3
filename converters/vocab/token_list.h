// File: converters/vocab/token_list.h
//
// A vocabulary as GGUF stores it: parallel lists of texts, scores and types.

#ifndef CONVERTERS_VOCAB_TOKEN_LIST_H_
#define CONVERTERS_VOCAB_TOKEN_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vocab {

// The values of tokenizer.ggml.token_type.
enum class TokenType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

// Tokens by id.
struct TokenList {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<int32_t> types;

  size_t size() const { return texts.size(); }
  void Set(size_t id, std::string text, float score, TokenType type);
  void Append(std::string text, float score, TokenType type);
};

// `size` fillers: "[PAD0]", "[PAD1]" …, unused, with the score -10000.
// InvalidArgument if no real vocabulary has that many tokens, so that a wrong
// number in a config can't use up the memory.
absl::StatusOr<TokenList> MakeFillers(uint64_t size);

// The error for a token whose id has no row in the embedding: the file that
// gives it the id, and the token.
absl::Status NoRowForToken(absl::string_view file, absl::string_view text,
                           uint64_t id, uint64_t vocab_size);

// True if `text` looks like a control token that models often fail to mark as
// special: "<pad>", "<|…|>", "<unused…>" and a few more.
bool LooksSpecial(absl::string_view text);

// `text` with U+2581, which SentencePiece writes for a space, as a space.
std::string WithPlainSpaces(absl::string_view text);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_TOKEN_LIST_H_
