#include "converters/vocab/sentencepiece.h"

#include <climits>
#include <map>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "converters/json_file.h"
#include "converters/vocab/sentencepiece_model.pb.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;
using base::BoolMember;
using base::Member;
using base::StringMember;
using base::UintOf;

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
  ASSIGN_OR_RETURN(
      const std::string bytes,
      converters::ReadTextFile(absl::StrCat(directory, "/tokenizer.model")));
  const auto damaged = [](const auto&... what) {
    return absl::DataLossError(absl::StrCat("tokenizer.model: ", what...));
  };
  sentencepiece::Model model;
  if (bytes.size() > INT_MAX || !model.ParseFromString(bytes)) {
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
    if (!base::IsValidUtf8(text))
      return damaged("piece ", id, " is not valid UTF-8");
    if (!seen.insert(text).second) {
      return damaged("piece ", id, " (\"", text, "\") is there twice");
    }
  }
  return model;
}

// The tokens of one file that have no row in the embedding: they are left out,
// as the reference does, and the user is told once.
class LeftOut {
 public:
  LeftOut(absl::string_view file, uint64_t vocab_size)
      : file_(file), vocab_size_(vocab_size) {}

  void Add(absl::string_view text, uint64_t id) {
    constexpr size_t kListed = 5;
    if (++count_ > kListed) return;
    absl::StrAppend(&list_, list_.empty() ? "" : ", ", "\"", text, "\" (", id,
                    ")");
  }

  void Report(std::vector<converters::Warning>* warnings) const {
    if (count_ == 0 || warnings == nullptr) return;
    warnings->push_back(
        {"extra-token-left-out",
         absl::StrCat(file_, ": ", count_, count_ == 1 ? " token" : " tokens",
                      " left out, whose ids are beyond the embedding's ",
                      vocab_size_, " rows (vocab_size): ", list_,
                      count_ > 5 ? ", …" : "")});
  }

 private:
  const absl::string_view file_;
  const uint64_t vocab_size_;
  uint64_t count_ = 0;
  std::string list_;
};

// The added tokens, one by one, over the list of pieces and fillers.
class TokenOverlay {
 public:
  TokenOverlay(TokenList& list, std::vector<converters::Warning>* warnings)
      : list_(list), warnings_(warnings) {}

  // added_tokens.json: text to id.
  absl::Status AddFromAddedTokens(const Json& added_tokens) {
    if (!added_tokens.is_object()) return absl::OkStatus();
    LeftOut left_out("added_tokens.json", list_.size());
    std::map<uint64_t, std::string> seen;
    for (const auto& [text, id] : added_tokens.items()) {
      const std::optional<uint64_t> number = UintOf(id);
      if (!number) {
        return absl::InvalidArgumentError(absl::StrCat(
            "added_tokens.json: \"", text,
            "\": expected an id (0 or more), found ", base::ShowJson(id)));
      }
      const auto [other, is_new] = seen.emplace(*number, text);
      if (!is_new) {
        return absl::InvalidArgumentError(absl::StrCat(
            "added_tokens.json: id ", other->first, " is given to both \"",
            other->second, "\" and \"", text, "\""));
      }
      Add(other->first, text, TokenType::kUserDefined, left_out);
    }
    left_out.Report(warnings_);
    return absl::OkStatus();
  }

  // tokenizer_config.json's added_tokens_decoder: id to text and flags.
  absl::Status AddFromDecoder(const Json& tokenizer_config) {
    const Json& decoder = Member(tokenizer_config, "added_tokens_decoder");
    if (decoder.is_null()) return absl::OkStatus();
    LeftOut left_out("tokenizer_config.json", list_.size());
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
      Add(id, is_control ? *text : WithPlainSpaces(*text),
          is_control ? TokenType::kControl : TokenType::kUserDefined, left_out);
    }
    left_out.Report(warnings_);
    return absl::OkStatus();
  }

 private:
  void Add(uint64_t id, const std::string& text, TokenType type,
           LeftOut& left_out) {
    if (id < list_.size()) {
      list_.Set(id, text, kAddedScore, type);
    } else {
      left_out.Add(text, id);
    }
  }

  TokenList& list_;
  std::vector<converters::Warning>* const warnings_;
};

}  // namespace

absl::StatusOr<TokenList> SentencePieceTokens(
    const TokenizerFiles& files, std::optional<uint64_t> vocab_size,
    std::vector<converters::Warning>* warnings) {
  ASSIGN_OR_RETURN(const sentencepiece::Model model,
                   ReadModel(files.directory));
  const uint64_t pieces = static_cast<uint64_t>(model.pieces_size());
  if (vocab_size && pieces < *vocab_size && !model.has_trainer_spec()) {
    return absl::DataLossError(absl::StrCat(
        "tokenizer.model: ", pieces, " pieces where the model's vocab_size is ",
        *vocab_size, ", and nothing after them: the file was cut off"));
  }
  ASSIGN_OR_RETURN(TokenList list, MakeFillers(vocab_size.value_or(pieces)));
  LeftOut left_out("tokenizer.model", list.size());
  for (int id = 0; id < model.pieces_size(); ++id) {
    const sentencepiece::Piece& piece = model.pieces(id);
    const size_t row = static_cast<size_t>(id);
    if (row < list.size()) {
      list.Set(row, piece.text(), piece.score(), TypeOf(piece));
    } else {
      left_out.Add(piece.text(), row);
    }
  }
  left_out.Report(warnings);
  TokenOverlay overlay(list, warnings);
  RETURN_IF_ERROR(overlay.AddFromAddedTokens(files.added_tokens));
  RETURN_IF_ERROR(overlay.AddFromDecoder(files.tokenizer_config));
  return list;
}

}  // namespace vocab
