#include "converters/vocab/sentencepiece.h"

#include <climits>
#include <map>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "converters/json_file.h"
#include "converters/vocab/sentencepiece_model.pb.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/utf8.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;

constexpr float kAddedScore = -1000.0f;

// User-defined pieces count as normal ones: that is how the reference, and so
// every published file, has them.
TokenType TypeOf(const sentencepiece::Piece& piece) {
  switch (piece.type()) {
    case sentencepiece::Piece::UNKNOWN:
      return TokenType::kUnknown;
    case sentencepiece::Piece::CONTROL:
      return TokenType::kControl;
    case sentencepiece::Piece::UNUSED:
      return TokenType::kUnused;
    case sentencepiece::Piece::BYTE:
      return TokenType::kByte;
    case sentencepiece::Piece::NORMAL:
    case sentencepiece::Piece::USER_DEFINED:
      break;
  }
  return TokenType::kNormal;
}

absl::StatusOr<sentencepiece::Model> ReadModel(const std::string& directory) {
  absl::StatusOr<std::string> bytes =
      converters::ReadTextFile(absl::StrCat(directory, "/tokenizer.model"));
  if (!bytes.ok()) return bytes.status();
  const auto damaged = [](const auto&... what) {
    return absl::DataLossError(absl::StrCat("tokenizer.model: ", what...));
  };
  sentencepiece::Model model;
  if (bytes->size() > INT_MAX || !model.ParseFromString(*bytes)) {
    return damaged(
        "not a SentencePiece model, or cut off; download the file again, or, "
        "if "
        "it is a tiktoken vocabulary, remove it so that tokenizer.json is "
        "read");
  }
  if (model.pieces().empty()) {
    return damaged("a SentencePiece model without pieces");
  }
  std::unordered_set<absl::string_view> seen;
  for (int id = 0; id < model.pieces_size(); ++id) {
    const std::string& text = model.pieces(id).text();
    if (text.empty()) return damaged("piece ", id, " is empty");
    if (!IsValidUtf8(text)) return damaged("piece ", id, " is not valid UTF-8");
    if (!seen.insert(text).second) {
      return damaged("piece ", id, " (\"", text, "\") is there twice");
    }
  }
  return model;
}

// The added tokens, one by one, over the list of pieces and fillers.
class TokenOverlay {
 public:
  TokenOverlay(TokenList& list, ExtraTokens extra_tokens,
               std::vector<converters::Warning>* warnings)
      : list_(list), extra_tokens_(extra_tokens), warnings_(warnings) {}

  // added_tokens.json: text to id.
  absl::Status AddFromAddedTokens(const Json& added_tokens) {
    if (!added_tokens.is_object()) return absl::OkStatus();
    std::map<uint64_t, std::string> seen;
    for (const auto& [text, id] : added_tokens.items()) {
      const std::optional<uint64_t> number = UnsignedOf(id);
      if (!number) {
        return absl::InvalidArgumentError(
            absl::StrCat("added_tokens.json: \"", text,
                         "\": expected an id (0 or more), found ", id.dump()));
      }
      const auto [other, is_new] = seen.emplace(*number, text);
      if (!is_new) {
        return absl::InvalidArgumentError(absl::StrCat(
            "added_tokens.json: id ", other->first, " is given to both \"",
            other->second, "\" and \"", text, "\""));
      }
      RETURN_IF_ERROR(Add("added_tokens.json", other->first, text,
                          TokenType::kUserDefined));
    }
    return absl::OkStatus();
  }

  // tokenizer_config.json's added_tokens_decoder: id to text and flags.
  absl::Status AddFromDecoder(const Json& tokenizer_config) {
    const Json& decoder = Member(tokenizer_config, "added_tokens_decoder");
    if (decoder.is_null()) return absl::OkStatus();
    for (const auto& [key, token] : decoder.items()) {
      const std::string* text = StringMember(token, "content");
      uint64_t id = 0;
      if (!decoder.is_object() || text == nullptr ||
          !absl::SimpleAtoi(key, &id)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "tokenizer_config.json: added_tokens_decoder: entry \"", key,
            "\": expected an id (0 or more) with an object with a content"));
      }
      const bool is_control =
          BoolMember(token, "special").value_or(false) || LooksSpecial(*text);
      RETURN_IF_ERROR(
          Add("tokenizer_config.json", id,
              is_control ? *text : WithPlainSpaces(*text),
              is_control ? TokenType::kControl : TokenType::kUserDefined));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Add(absl::string_view file, uint64_t id, const std::string& text,
                   TokenType type) {
    if (id < list_.size()) {
      list_.Set(id, text, kAddedScore, type);
      return absl::OkStatus();
    }
    if (extra_tokens_ == ExtraTokens::kRefuse) {
      return NoRowForToken(file, text, id, list_.size(),
                           "; --ignore_extra_tokens leaves such tokens out");
    }
    if (warnings_ != nullptr) {
      warnings_->push_back(
          {"extra-token-left-out",
           absl::StrCat(file, ": token \"", text, "\" left out: its id ", id,
                        " is beyond the model's vocabulary of ", list_.size(),
                        " tokens")});
    }
    return absl::OkStatus();
  }

  TokenList& list_;
  const ExtraTokens extra_tokens_;
  std::vector<converters::Warning>* const warnings_;
};

}  // namespace

absl::StatusOr<TokenList> SentencePieceTokens(
    const TokenizerFiles& files, std::optional<uint64_t> vocab_size,
    ExtraTokens extra_tokens, std::vector<converters::Warning>* warnings) {
  absl::StatusOr<sentencepiece::Model> model = ReadModel(files.directory);
  if (!model.ok()) return model.status();
  const uint64_t pieces = static_cast<uint64_t>(model->pieces_size());
  if (vocab_size && pieces > *vocab_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tokenizer.model: ", pieces, " pieces, but the model's vocab_size is ",
        *vocab_size, "; the tokenizer belongs to another model"));
  }
  if (vocab_size && pieces < *vocab_size && !model->has_trainer_spec()) {
    return absl::DataLossError(absl::StrCat(
        "tokenizer.model: ", pieces, " pieces where the model's vocab_size is ",
        *vocab_size, ", and nothing after them: the file was cut off"));
  }
  absl::StatusOr<TokenList> list = MakeFillers(vocab_size.value_or(pieces));
  if (!list.ok()) return list.status();
  for (int id = 0; id < model->pieces_size(); ++id) {
    const sentencepiece::Piece& piece = model->pieces(id);
    list->Set(static_cast<size_t>(id), piece.text(), piece.score(),
              TypeOf(piece));
  }
  TokenOverlay overlay(*list, extra_tokens, warnings);
  absl::Status status = overlay.AddFromAddedTokens(files.added_tokens);
  if (!status.ok()) return status;
  status = overlay.AddFromDecoder(files.tokenizer_config);
  if (!status.ok()) return status;
  return list;
}

}  // namespace vocab
