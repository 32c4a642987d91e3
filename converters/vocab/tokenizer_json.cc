#include "converters/vocab/tokenizer_json.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "converters/vocab/merges.h"
#include "converters/vocab/token_decoder.h"
#include "converters/vocab/tokenizer_files.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;
using base::BoolMember;
using base::Member;
using base::StringMember;
using base::UintOf;

// Largest id that a vocabulary can have; the number of tokens must fit too.
constexpr uint64_t kMaxId = UINT32_MAX - 1;

absl::StatusOr<TokenIds> ParseTokens(absl::string_view file,
                                     const Json& tokens) {
  TokenIds ids;
  std::unordered_map<uint32_t, absl::string_view> by_id;
  for (const auto& [text, id] : tokens.items()) {
    const std::optional<uint64_t> number = UintOf(id);
    if (!number || *number > kMaxId) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ": token \"", base::Printable(text),
                       "\": expected an id from 0 to ", kMaxId, ", found ",
                       base::ShowJson(id)));
    }
    const uint32_t value = static_cast<uint32_t>(*number);
    const auto [other, is_new] = by_id.emplace(value, text);
    if (!is_new) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ": id ", value, " is given to both \"",
                       base::Printable(other->second), "\" and \"",
                       base::Printable(text), "\""));
    }
    // The map's keys outlive this loop: they are those of `tokens`.
    ids.emplace(text, value);
  }
  if (ids.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": the vocabulary is empty"));
  }
  return ids;
}

absl::Status NoTokenizer(const TokenizerFiles& files,
                         const TokenizerClass& tokenizer_class) {
  return absl::NotFoundError(absl::StrCat(
      files.directory,
      ": no tokenizer found; expected tokenizer.model, tokenizer.json or, "
      "with a tokenizer_class such as GPT2Tokenizer (here ",
      tokenizer_class.name, "), vocab.json and merges.txt",
      IsThere(files.directory, "tekken.json")
          ? "; tekken.json is not read: take tokenizer.json from the model's "
            "Hugging Face version"
          : ""));
}

// Texts by id. Added tokens hide trained ones of the same id.
using TextsById = std::map<uint32_t, absl::string_view>;

TextsById SortTrained(const TokenIds& trained) {
  TextsById texts;
  for (const auto& [text, id] : trained) texts.emplace(id, text);
  return texts;
}

absl::StatusOr<TextsById> SortById(const TokenIds& trained,
                                   const AddedVocabulary& added) {
  TextsById texts = SortTrained(trained);
  for (const auto& [id, token] : added.tokens()) {
    const auto [other, is_new] = texts.emplace(id, token.content);
    if (!is_new && other->second != token.content) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tokenizer.json: the added token \"", base::Printable(token.content),
          "\" gets the id ", id,
          ", the next after the vocabulary, but that is the id of \"",
          base::Printable(other->second),
          "\"; the vocabulary's ids have gaps"));
    }
  }
  return texts;
}

absl::Status CheckFits(const TextsById& texts, uint64_t vocab_size) {
  const auto& [id, text] = *texts.rbegin();
  if (id < vocab_size) return absl::OkStatus();
  return NoRowForToken("tokenizer.json", text, id, vocab_size);
}

// Everything that is known of a vocabulary but the types of its tokens.
struct CombinedTokens {
  std::vector<std::string> special;  // texts of the special tokens
  AddedVocabulary added;
  TextsById texts;
  TokenList list;  // fillers, as many as the model has tokens
};

absl::StatusOr<CombinedTokens> CombineTokens(
    const TokenizerFiles& files, const TokenizerClass& tokenizer_class,
    const TokenIds& trained, std::optional<uint64_t> vocab_size) {
  AddedVocabulary added(trained);
  ASSIGN_OR_RETURN(
      std::vector<std::string> special,
      CollectAddedTokens(files, tokenizer_class, vocab_size, trained, added));
  ASSIGN_OR_RETURN(TextsById texts, SortById(trained, added));
  const uint64_t size = vocab_size.value_or(texts.size());
  RETURN_IF_ERROR(CheckFits(texts, size));
  ASSIGN_OR_RETURN(TokenList list, MakeFillers(size));
  return CombinedTokens{std::move(special), std::move(added), std::move(texts),
                        std::move(list)};
}

// The text and type of an added token. The runtime searches control and
// user-defined tokens in plain text, so they are stored as they read there.
void SetAdded(const AddedToken& token, uint32_t id, const Json& decoder,
              TokenList& list) {
  std::string text = token.content;
  if (!token.normalized) text = DecodeToken(decoder, std::move(text));
  if (token.special || LooksSpecial(text)) {
    list.Set(id, std::move(text), 0, TokenType::kControl);
  } else {
    list.Set(id, WithPlainSpaces(text), 0, TokenType::kUserDefined);
  }
}

// "<0x0A>"
bool IsByteToken(absl::string_view text) {
  return text.size() == 6 && absl::StartsWith(text, "<0x") &&
         text.back() == '>' && absl::ascii_isxdigit(text[3]) &&
         absl::ascii_isxdigit(text[4]);
}

constexpr float kPlaceholderScore = -1000.0f;

// That the tokens which merges make come in the order of their ids.
absl::Status CheckMergeOrder(const TokenizerFiles& files,
                             const TokenIds& trained) {
  ASSIGN_OR_RETURN(const std::vector<std::string> merges,
                   LoadMerges(files.tokenizer, files.directory, trained));
  uint32_t last = 0;
  for (const std::string& merge : merges) {
    // LoadMerges has seen to it that both parts and their union are tokens.
    const size_t space = merge.find(' ');
    const auto merged = trained.find(
        absl::StrCat(merge.substr(0, space), merge.substr(space + 1)));
    if (merged == trained.end() || merged->second < last) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tokenizer.json: the merge \"", base::Printable(merge),
          "\" is not in the order of the tokens' ids, as those of a "
          "SentencePiece model are; tokenizer.model is needed"));
    }
    last = merged->second;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TokenIds> ReadTrainedTokens(
    const TokenizerFiles& files, const TokenizerClass& tokenizer_class) {
  if (files.tokenizer.is_null()) {
    if (tokenizer_class.pre_tokenizer.empty() ||
        !IsThere(files.directory, "vocab.json")) {
      return NoTokenizer(files, tokenizer_class);
    }
    ASSIGN_OR_RETURN(
        const Json file,
        ReadJsonObject(files.directory, "vocab.json", base::kLargeJson));
    return ParseTokens("vocab.json", file);
  }
  const Json& model = Member(files.tokenizer, "model");
  const std::string* type = StringMember(model, "type");
  const Json& tokens = Member(model, "vocab");
  // Files of before 2020 have no type.
  if ((type != nullptr && *type != "BPE") || !tokens.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tokenizer.json: model.type is \"",
                     base::Printable(type == nullptr ? "" : *type),
                     "\" with a vocabulary of JSON type ", tokens.type_name(),
                     "; only \"BPE\" with an object can be converted"));
  }
  return ParseTokens("tokenizer.json", tokens);
}

absl::StatusOr<TokenList> ByteLevelTokens(const TokenizerFiles& files,
                                          const TokenizerClass& tokenizer_class,
                                          const TokenIds& trained,
                                          std::optional<uint64_t> vocab_size) {
  ASSIGN_OR_RETURN(CombinedTokens vocabulary,
                   CombineTokens(files, tokenizer_class, trained, vocab_size));
  static const Json* const kByteLevel =
      new Json(Json::object({{"type", "ByteLevel"}}));
  const Json& decoder = tokenizer_class.rebuilds
                            ? *kByteLevel
                            : Member(files.tokenizer, "decoder");
  TokenList& list = vocabulary.list;
  for (const auto& [id, text] : vocabulary.texts) {
    list.Set(id, std::string(text), 0, TokenType::kNormal);
  }
  for (const auto& [id, token] : vocabulary.added.tokens()) {
    SetAdded(token, id, decoder, list);
  }
  return std::move(list);
}

bool HasByteFallback(const TokenizerFiles& files) {
  const Json& model = Member(files.tokenizer, "model");
  const std::string* type = StringMember(model, "type");
  return type != nullptr && *type == "BPE" &&
         BoolMember(model, "byte_fallback").value_or(false);
}

bool IsSentencePieceLike(const TokenizerFiles& files) {
  const std::string* decoder =
      StringMember(Member(files.tokenizer, "decoder"), "type");
  return HasByteFallback(files) && decoder != nullptr && *decoder == "Sequence";
}

absl::StatusOr<TokenList> PiecesOfTokenizerJson(const TokenizerFiles& files) {
  ASSIGN_OR_RETURN(const TokenIds trained,
                   ReadTrainedTokens(files, PlainTokenizerClass()));
  RETURN_IF_ERROR(CheckMergeOrder(files, trained));
  const TextsById by_id = SortTrained(trained);
  std::unordered_set<absl::string_view> added;
  std::unordered_set<absl::string_view> control;
  for (const Json& token : Member(files.tokenizer, "added_tokens")) {
    const std::string* text = StringMember(token, "content");
    if (text == nullptr) continue;
    added.insert(*text);
    if (BoolMember(token, "special").value_or(false)) control.insert(*text);
  }
  const std::string* unknown =
      StringMember(Member(files.tokenizer, "model"), "unk_token");
  ASSIGN_OR_RETURN(TokenList pieces,
                   MakeFillers(uint64_t{by_id.rbegin()->first} + 1));
  float next_score = 0;
  for (const auto& [id, text] : by_id) {
    const bool is_unknown = unknown != nullptr && text == *unknown;
    TokenType type = TokenType::kNormal;
    float score = 0;
    if (is_unknown) {
      type = TokenType::kUnknown;
    } else if (IsByteToken(text)) {
      type = TokenType::kByte;
    } else if (control.contains(text)) {
      type = TokenType::kControl;
    } else if (!added.contains(text)) {
      score = -next_score++;  // the first is -0.0, in SentencePiece as well
    }
    pieces.Set(id, std::string(text), score, type);
  }
  return pieces;
}

absl::StatusOr<TokenList> SentencePieceLikeTokens(
    const TokenizerFiles& files, const TokenizerClass& tokenizer_class,
    const TokenIds& trained, std::optional<uint64_t> vocab_size) {
  ASSIGN_OR_RETURN(CombinedTokens vocabulary,
                   CombineTokens(files, tokenizer_class, trained, vocab_size));
  const std::unordered_set<absl::string_view> special(
      vocabulary.special.begin(), vocabulary.special.end());
  for (const auto& [id, text] : vocabulary.texts) {
    TokenType type = TokenType::kNormal;
    if (id < trained.size() && IsByteToken(text)) {
      type = TokenType::kByte;
    } else if (special.contains(text)) {
      type = TokenType::kControl;
    } else if (id >= trained.size()) {
      type = TokenType::kUserDefined;
    }
    vocabulary.list.Set(id, std::string(text), kPlaceholderScore, type);
  }
  return std::move(vocabulary.list);
}

}  // namespace vocab
