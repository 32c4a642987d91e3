#include "converters/vocab/sentencepiece.h"

#include <climits>
#include <map>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "converters/vocab/sentencepiece_model.pb.h"
#include "converters/vocab/tokenizer_json.h"
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
  ASSIGN_OR_RETURN(const std::string bytes,
                   base::ReadFile(absl::StrCat(directory, "/tokenizer.model"),
                                  kMaxTokenizerFile));
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
      return damaged("piece ", id, " (\"", base::Printable(text),
                     "\") is there twice");
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
    constexpr size_t kListed = 5, kShown = 60;
    if (++count_ > kListed) return;
    absl::StrAppend(&list_, list_.empty() ? "" : ", ", "\"",
                    base::Printable(text, kShown), "\" (", id, ")");
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
  TokenOverlay(TokenList& list, bool marks_decide,
               std::vector<converters::Warning>* warnings)
      : list_(list), marks_decide_(marks_decide), warnings_(warnings) {}

  // added_tokens.json: text to id.
  absl::Status AddFromAddedTokens(const Json& added_tokens) {
    if (!added_tokens.is_object()) return absl::OkStatus();
    LeftOut left_out("added_tokens.json", list_.size());
    std::map<uint64_t, std::string> seen;
    for (const auto& [text, id] : added_tokens.items()) {
      const std::optional<uint64_t> number = UintOf(id);
      if (!number) {
        return absl::InvalidArgumentError(absl::StrCat(
            "added_tokens.json: \"", base::Printable(text),
            "\": expected an id (0 or more), found ", base::ShowJson(id)));
      }
      const auto [other, is_new] = seen.emplace(*number, text);
      if (!is_new) {
        return absl::InvalidArgumentError(
            absl::StrCat("added_tokens.json: id ", other->first,
                         " is given to both \"", base::Printable(other->second),
                         "\" and \"", base::Printable(text), "\""));
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
      uint64_t id = 0;
      if (!decoder.is_object() || !absl::SimpleAtoi(key, &id) ||
          !AddMarked(id, token, left_out)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "tokenizer_config.json: added_tokens_decoder: entry \"",
            base::Printable(key),
            "\": expected an id (0 or more) with an object with a content"));
      }
    }
    left_out.Report(warnings_);
    return absl::OkStatus();
  }

  // tokenizer.json's added_tokens, which say the same.
  absl::Status AddFromTokenizer(const Json& tokenizer) {
    LeftOut left_out("tokenizer.json", list_.size());
    const Json& added = Member(tokenizer, "added_tokens");
    for (const Json& token : added) {
      const std::optional<uint64_t> id = base::UintMember(token, "id");
      if (!id || !AddMarked(*id, token, left_out)) {
        return absl::InvalidArgumentError(
            "tokenizer.json: added_tokens: expected a list of objects with an "
            "id (0 or more) and a content");
      }
    }
    left_out.Report(warnings_);
    return absl::OkStatus();
  }

 private:
  // False if `token` is none.
  bool AddMarked(uint64_t id, const Json& token, LeftOut& left_out) {
    const std::string* text = StringMember(token, "content");
    if (text == nullptr) return false;
    const bool is_control = BoolMember(token, "special").value_or(false) ||
                            (!marks_decide_ && LooksSpecial(*text));
    Add(id, is_control || marks_decide_ ? *text : WithPlainSpaces(*text),
        is_control ? TokenType::kControl : TokenType::kUserDefined, left_out);
    return true;
  }

  void Add(uint64_t id, const std::string& text, TokenType type,
           LeftOut& left_out) {
    if (id < list_.size()) {
      list_.Set(id, text, kAddedScore, type);
    } else {
      left_out.Add(text, id);
    }
  }

  TokenList& list_;
  const bool marks_decide_;
  std::vector<converters::Warning>* const warnings_;
};

absl::StatusOr<TokenList> ModelPieces(const std::string& directory,
                                      std::optional<uint64_t> vocab_size) {
  ASSIGN_OR_RETURN(const sentencepiece::Model model, ReadModel(directory));
  const uint64_t count = static_cast<uint64_t>(model.pieces_size());
  if (vocab_size && count < *vocab_size && !model.has_trainer_spec()) {
    return absl::DataLossError(absl::StrCat(
        "tokenizer.model: ", count, " pieces where the model's vocab_size is ",
        *vocab_size, ", and nothing after them: the file was cut off"));
  }
  TokenList pieces;
  for (const sentencepiece::Piece& piece : model.pieces()) {
    pieces.Append(piece.text(), piece.score(), TypeOf(piece));
  }
  return pieces;
}

}  // namespace

absl::StatusOr<TokenList> SentencePieceTokens(
    const TokenizerFiles& files, std::optional<uint64_t> vocab_size,
    std::vector<converters::Warning>* warnings, bool marks_decide) {
  const bool has_model =
      IsThere(files.directory, "tokenizer.model") || !HasByteFallback(files);
  ASSIGN_OR_RETURN(TokenList pieces,
                   has_model ? ModelPieces(files.directory, vocab_size)
                             : PiecesOfTokenizerJson(files));
  ASSIGN_OR_RETURN(TokenList list,
                   MakeFillers(vocab_size.value_or(pieces.size())));
  LeftOut left_out(has_model ? "tokenizer.model" : "tokenizer.json",
                   list.size());
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (id < list.size()) {
      list.Set(id, std::move(pieces.texts[id]), pieces.scores[id],
               static_cast<TokenType>(pieces.types[id]));
    } else {
      left_out.Add(pieces.texts[id], id);
    }
  }
  left_out.Report(warnings);
  TokenOverlay overlay(list, marks_decide, warnings);
  RETURN_IF_ERROR(overlay.AddFromAddedTokens(files.added_tokens));
  if (!has_model) {
    if (!marks_decide) {
      RETURN_IF_ERROR(overlay.AddFromTokenizer(files.tokenizer));
    }
    if (warnings != nullptr) {
      warnings->push_back(
          {"scores-from-ranks",
           "tokenizer.model is not there: the vocabulary is that of "
           "tokenizer.json, with the scores that SentencePiece gives tokens in "
           "the order of their ids"});
    }
  }
  RETURN_IF_ERROR(overlay.AddFromDecoder(files.tokenizer_config));
  if (marks_decide) {
    RETURN_IF_ERROR(overlay.AddFromTokenizer(files.tokenizer));
  }
  return list;
}

absl::StatusOr<bool> AddsDummyPrefix(const std::string& directory) {
  ASSIGN_OR_RETURN(const sentencepiece::Model model, ReadModel(directory));
  return model.normalizer_spec().add_dummy_prefix();
}

}  // namespace vocab
