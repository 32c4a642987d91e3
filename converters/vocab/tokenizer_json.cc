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
      return absl::InvalidArgumentError(absl::StrCat(
          file, ": token \"", text, "\": expected an id from 0 to ", kMaxId,
          ", found ", id.dump()));
    }
    const uint32_t value = static_cast<uint32_t>(*number);
    const auto [other, is_new] = by_id.emplace(value, text);
    if (!is_new) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ": id ", value, " is given to both \"",
                       other->second, "\" and \"", text, "\""));
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

absl::StatusOr<TextsById> SortById(const TokenIds& trained,
                                   const AddedVocabulary& added) {
  TextsById texts;
  for (const auto& [text, id] : trained) texts.emplace(id, text);
  for (const auto& [id, token] : added.tokens()) {
    const auto [other, is_new] = texts.emplace(id, token.content);
    if (!is_new && other->second != token.content) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tokenizer.json: the added token \"", token.content,
          "\" gets the id ", id,
          ", the next after the vocabulary, but that is the id of \"",
          other->second, "\"; the vocabulary's ids have gaps"));
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
struct Vocabulary {
  std::vector<std::string> special;  // texts of the special tokens
  AddedVocabulary added;
  TextsById texts;
  TokenList list;  // fillers, as many as the model has tokens
};

absl::StatusOr<Vocabulary> CombineTokens(const TokenizerFiles& files,
                                         const TokenizerClass& tokenizer_class,
                                         const TokenIds& trained,
                                         std::optional<uint64_t> vocab_size) {
  AddedVocabulary added(trained);
  auto special =
      CollectAddedTokens(files, tokenizer_class, vocab_size, trained, added);
  if (!special.ok()) return special.status();
  absl::StatusOr<TextsById> texts = SortById(trained, added);
  if (!texts.ok()) return texts.status();
  const uint64_t size = vocab_size.value_or(texts->size());
  absl::Status status = CheckFits(*texts, size);
  if (!status.ok()) return status;
  absl::StatusOr<TokenList> list = MakeFillers(size);
  if (!list.ok()) return list.status();
  return Vocabulary{*std::move(special), std::move(added), *std::move(texts),
                    *std::move(list)};
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

}  // namespace

absl::StatusOr<TokenIds> ReadTrainedTokens(
    const TokenizerFiles& files, const TokenizerClass& tokenizer_class) {
  if (files.tokenizer.is_null()) {
    if (tokenizer_class.pre_tokenizer.empty() ||
        !IsThere(files.directory, "vocab.json")) {
      return NoTokenizer(files, tokenizer_class);
    }
    absl::StatusOr<Json> file = ReadJsonObject(files.directory, "vocab.json");
    if (!file.ok()) return file.status();
    return ParseTokens("vocab.json", *file);
  }
  const Json& model = Member(files.tokenizer, "model");
  const std::string* type = StringMember(model, "type");
  const Json& tokens = Member(model, "vocab");
  // Files of before 2020 have no type.
  if ((type != nullptr && *type != "BPE") || !tokens.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tokenizer.json: model.type is \"", type == nullptr ? "" : *type,
        "\" with a vocabulary of JSON type ", tokens.type_name(),
        "; only \"BPE\" with an object can be converted"));
  }
  return ParseTokens("tokenizer.json", tokens);
}

absl::StatusOr<TokenList> ByteLevelTokens(const TokenizerFiles& files,
                                          const TokenizerClass& tokenizer_class,
                                          const TokenIds& trained,
                                          std::optional<uint64_t> vocab_size) {
  absl::StatusOr<Vocabulary> vocabulary =
      CombineTokens(files, tokenizer_class, trained, vocab_size);
  if (!vocabulary.ok()) return vocabulary.status();
  static const Json* const kByteLevel =
      new Json(Json::object({{"type", "ByteLevel"}}));
  const Json& decoder = tokenizer_class.rebuilds
                            ? *kByteLevel
                            : Member(files.tokenizer, "decoder");
  TokenList& list = vocabulary->list;
  for (const auto& [id, text] : vocabulary->texts) {
    list.Set(id, std::string(text), 0, TokenType::kNormal);
  }
  for (const auto& [id, token] : vocabulary->added.tokens()) {
    SetAdded(token, id, decoder, list);
  }
  return std::move(list);
}

bool IsSentencePieceLike(const TokenizerFiles& files) {
  const Json& model = Member(files.tokenizer, "model");
  const std::string* type = StringMember(model, "type");
  const std::string* decoder =
      StringMember(Member(files.tokenizer, "decoder"), "type");
  return type != nullptr && *type == "BPE" &&
         BoolMember(model, "byte_fallback").value_or(false) &&
         decoder != nullptr && *decoder == "Sequence";
}

absl::StatusOr<TokenList> SentencePieceLikeTokens(
    const TokenizerFiles& files, const TokenizerClass& tokenizer_class,
    const TokenIds& trained, std::optional<uint64_t> vocab_size) {
  absl::StatusOr<Vocabulary> vocabulary =
      CombineTokens(files, tokenizer_class, trained, vocab_size);
  if (!vocabulary.ok()) return vocabulary.status();
  const std::unordered_set<absl::string_view> special(
      vocabulary->special.begin(), vocabulary->special.end());
  for (const auto& [id, text] : vocabulary->texts) {
    TokenType type = TokenType::kNormal;
    if (id < trained.size() && IsByteToken(text)) {
      type = TokenType::kByte;
    } else if (special.contains(text)) {
      type = TokenType::kControl;
    } else if (id >= trained.size()) {
      type = TokenType::kUserDefined;
    }
    vocabulary->list.Set(id, std::string(text), kPlaceholderScore, type);
  }
  return std::move(vocabulary->list);
}

}  // namespace vocab
