#include "converters/vocab/token_list.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/printable.h"

namespace vocab {
namespace {

// 16 times the largest vocabulary known.
constexpr uint64_t kMaxTokens = uint64_t{1} << 22;
constexpr float kFillerScore = -10000.0f;

}  // namespace

void TokenList::Set(size_t id, std::string text, float score, TokenType type) {
  texts[id] = std::move(text);
  scores[id] = score;
  types[id] = static_cast<int32_t>(type);
}

void TokenList::Append(std::string text, float score, TokenType type) {
  texts.push_back(std::move(text));
  scores.push_back(score);
  types.push_back(static_cast<int32_t>(type));
}

absl::StatusOr<TokenList> MakeFillers(uint64_t size) {
  if (size > kMaxTokens) {
    return absl::InvalidArgumentError(absl::StrCat(
        "config.json: vocab_size ", size, " is above ", kMaxTokens,
        ", the largest vocabulary that is accepted; is the value right?"));
  }
  TokenList list;
  for (uint64_t id = 0; id < size; ++id) {
    list.Append(absl::StrCat("[PAD", id, "]"), kFillerScore,
                TokenType::kUnused);
  }
  return list;
}

absl::Status NoRowForToken(absl::string_view file, absl::string_view text,
                           uint64_t id, uint64_t vocab_size) {
  return absl::InvalidArgumentError(absl::StrCat(
      file, ": token \"", base::Printable(text), "\" has the id ", id,
      ", but the embedding, token_embd.weight, has ", vocab_size,
      " rows (vocab_size); the tokenizer is another model's, or the embedding "
      "was not made larger with it"));
}

bool LooksSpecial(absl::string_view text) {
  // The bars of DeepSeek's tokens are full-width: U+FF5C.
  return text == "<pad>" || text == "<mask>" || text == "<2mass>" ||
         text == "[@BOS@]" ||
         (absl::StartsWith(text, "<|") && absl::EndsWith(text, "|>")) ||
         (absl::StartsWith(text, "<\xEF\xBD\x9C") &&
          absl::EndsWith(text, "\xEF\xBD\x9C>")) ||
         (absl::StartsWith(text, "<unused") && absl::EndsWith(text, ">"));
}

std::string WithPlainSpaces(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"\xE2\x96\x81", " "}});
}

}  // namespace vocab
