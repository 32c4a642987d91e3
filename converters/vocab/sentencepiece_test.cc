#include "converters/vocab/sentencepiece.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "converters/vocab/sentencepiece_model.pb.h"
#include "converters/vocab/test_directory.h"
#include "converters/warning.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;
using sentencepiece::Piece;

void AddPiece(sentencepiece::Model& model, const std::string& text,
              Piece::Type type, float score) {
  Piece& piece = *model.add_pieces();
  piece.set_text(text);
  piece.set_type(type);
  piece.set_score(score);
}

sentencepiece::Model SmallModel() {
  sentencepiece::Model model;
  AddPiece(model, "<unk>", Piece::UNKNOWN, 0);
  AddPiece(model, "<s>", Piece::CONTROL, 0);
  AddPiece(model, "<0x0A>", Piece::BYTE, 0);
  AddPiece(model, "▁a", Piece::NORMAL, -1.5f);
  AddPiece(model, "user", Piece::USER_DEFINED, -2.5f);
  AddPiece(model, "none", Piece::UNUSED, 0);
  model.set_trainer_spec("\x18\x02");
  return model;
}

class SentencePieceTest : public testing::Test {
 protected:
  absl::StatusOr<TokenList> Load(const std::string& model, uint64_t size) {
    directory_.Write("tokenizer.model", model);
    files_.directory = directory_.path();
    warnings_.clear();
    return SentencePieceTokens(files_, size, &warnings_);
  }
  absl::StatusOr<TokenList> Load(uint64_t size) {
    return Load(SmallModel().SerializeAsString(), size);
  }

  void ExpectError(uint64_t size, const std::string& what) {
    const absl::Status status = Load(size).status();
    EXPECT_FALSE(status.ok());
    EXPECT_TRUE(absl::StrContains(status.message(), what)) << status;
  }

  TestDirectory directory_;
  TokenizerFiles files_;
  std::vector<converters::Warning> warnings_;
};

TEST_F(SentencePieceTest, TypesAndScoresAreThePieces) {
  const absl::StatusOr<TokenList> list = Load(6);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->texts, (std::vector<std::string>{"<unk>", "<s>", "<0x0A>",
                                                   "▁a", "user", "none"}));
  EXPECT_EQ(list->types, (std::vector<int32_t>{2, 3, 6, 1, 1, 5}));
  EXPECT_EQ(list->scores, (std::vector<float>{0, 0, 0, -1.5f, -2.5f, 0}));
}

TEST_F(SentencePieceTest, EveryTruncationIsAnError) {
  const std::string whole = SmallModel().SerializeAsString();
  ASSERT_TRUE(Load(whole, 8).ok());
  for (size_t length = 0; length < whole.size(); ++length) {
    const absl::StatusOr<TokenList> list = Load(whole.substr(0, length), 8);
    EXPECT_EQ(list.status().code(), absl::StatusCode::kDataLoss)
        << length << " of " << whole.size() << ": " << list.status();
  }
}

TEST_F(SentencePieceTest, DamagedPiecesAreNamed) {
  struct Row {
    const char* text;
    const char* message;
  };
  for (const Row& row :
       {Row{"\xFF", "piece 6 is not valid UTF-8"}, Row{"", "piece 6 is empty"},
        Row{"▁a", "piece 6 (\"▁a\") is there twice"}}) {
    sentencepiece::Model model = SmallModel();
    AddPiece(model, row.text, Piece::NORMAL, 0);
    const absl::Status status = Load(model.SerializeAsString(), 7).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_TRUE(absl::StrContains(status.message(), row.message)) << status;
  }
}

TEST_F(SentencePieceTest, AnotherKindOfFileIsNoModel) {
  // A tiktoken vocabulary, which some checkpoints keep under the same name.
  EXPECT_EQ(Load("IQ== 0\nIg== 1\n", 8).status().code(),
            absl::StatusCode::kDataLoss);
}

// As the reference does: the file that comes of it can be loaded.
TEST_F(SentencePieceTest, PiecesWithoutARowAreLeftOut) {
  const absl::StatusOr<TokenList> list = Load(4);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->texts,
            (std::vector<std::string>{"<unk>", "<s>", "<0x0A>", "▁a"}));
  ASSERT_EQ(warnings_.size(), 1);
  EXPECT_EQ(warnings_[0].text,
            "tokenizer.model: 2 tokens left out, whose ids are beyond the "
            "embedding's 4 rows (vocab_size): \"user\" (4), \"none\" (5)");
}

TEST_F(SentencePieceTest, AWrongSizeInTheConfigDoesNotTakeTheMemory) {
  ExpectError(uint64_t{1} << 40, "vocab_size 1099511627776");
}

TEST_F(SentencePieceTest, AddedTokensWithoutARowAreLeftOut) {
  files_.added_tokens = {{"[PAD]", 6}, {"in", 5}, {"huge", UINT64_MAX}};
  files_.tokenizer_config = {
      {"added_tokens_decoder", {{"7", {{"content", "far"}}}}}};
  const absl::StatusOr<TokenList> list = Load(6);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->size(), 6);
  EXPECT_EQ(list->texts[5], "in");
  ASSERT_EQ(warnings_.size(), 2);
  EXPECT_EQ(warnings_[0].code, "extra-token-left-out");
  EXPECT_EQ(warnings_[0].text,
            "added_tokens.json: 2 tokens left out, whose ids are beyond the "
            "embedding's 6 rows (vocab_size): \"[PAD]\" (6), \"huge\" "
            "(18446744073709551615)");
  EXPECT_TRUE(absl::StrContains(warnings_[1].text, "tokenizer_config.json: 1"));
}

// A hundred thousand of them take no more than a line.
TEST_F(SentencePieceTest, TheWarningStaysShort) {
  for (int i = 0; i < 10000; ++i) {
    files_.added_tokens[absl::StrCat("t", i)] = 6 + i;
  }
  ASSERT_TRUE(Load(6).ok());
  ASSERT_EQ(warnings_.size(), 1);
  EXPECT_LT(warnings_[0].text.size(), 300u);
}

TEST_F(SentencePieceTest, WrongAddedTokensAreErrors) {
  files_.added_tokens = {{"x", -1}};
  ExpectError(6, "\"x\": expected an id (0 or more), found -1");
  files_.added_tokens = {{"x", "1"}};
  ExpectError(6, "\"x\": expected an id");
  files_.added_tokens = {{"x", 1}, {"y", 1}};
  ExpectError(6, "id 1 is given to both \"x\" and \"y\"");
}

TEST_F(SentencePieceTest, WrongDecoderEntriesAreErrors) {
  for (const Json& decoder :
       {Json{{"-1", {{"content", "x"}}}}, Json{{"one", {{"content", "x"}}}},
        Json{{"1", "x"}}, Json{{"1", {{"content", 5}}}}, Json{1}, Json(true)}) {
    files_.tokenizer_config = {{"added_tokens_decoder", decoder}};
    ExpectError(6, "added_tokens_decoder");
  }
}

TEST_F(SentencePieceTest, WhereMarksDecideNothingIsGuessed) {
  files_.tokenizer_config = {
      {"added_tokens_decoder",
       {{"4", {{"content", "<|a▁b|>"}, {"special", false}}},
        {"5", {{"content", "end"}, {"special", true}}}}}};
  files_.tokenizer = {
      {"added_tokens", {{{"id", 3}, {"content", "c▁d"}, {"special", false}}}}};
  directory_.Write("tokenizer.model", SmallModel().SerializeAsString());
  files_.directory = directory_.path();
  const absl::StatusOr<TokenList> guessed =
      SentencePieceTokens(files_, 6, &warnings_);
  ASSERT_TRUE(guessed.ok()) << guessed.status();
  EXPECT_EQ(guessed->texts[3], "▁a");
  EXPECT_EQ(guessed->types, (std::vector<int32_t>{2, 3, 6, 1, 3, 3}));
  const absl::StatusOr<TokenList> marked =
      SentencePieceTokens(files_, 6, &warnings_, /*marks_decide=*/true);
  ASSERT_TRUE(marked.ok()) << marked.status();
  EXPECT_EQ(marked->texts[3], "c▁d");
  EXPECT_EQ(marked->texts[4], "<|a▁b|>");
  EXPECT_EQ(marked->types, (std::vector<int32_t>{2, 3, 6, 4, 4, 3}));
  files_.tokenizer["added_tokens"][0].erase("id");
  EXPECT_FALSE(SentencePieceTokens(files_, 6, nullptr, true).ok());
}

TEST_F(SentencePieceTest, TheDummyPrefixIsTheModels) {
  sentencepiece::Model model = SmallModel();
  directory_.Write("tokenizer.model", model.SerializeAsString());
  absl::StatusOr<bool> prefix = AddsDummyPrefix(directory_.path());
  ASSERT_TRUE(prefix.ok()) << prefix.status();
  EXPECT_TRUE(*prefix);
  model.mutable_normalizer_spec()->set_add_dummy_prefix(false);
  directory_.Write("tokenizer.model", model.SerializeAsString());
  prefix = AddsDummyPrefix(directory_.path());
  ASSERT_TRUE(prefix.ok()) << prefix.status();
  EXPECT_FALSE(*prefix);
}

// A SentencePiece BPE as its trainer makes it, and the tokenizer.json that
// transformers makes of that.
class WithoutModelTest : public SentencePieceTest {
 protected:
  WithoutModelTest() {
    AddPiece(model_, "<pad>", Piece::CONTROL, 0);
    AddPiece(model_, "<unk>", Piece::UNKNOWN, 0);
    AddPiece(model_, "<mask>", Piece::USER_DEFINED, 0);
    AddPiece(model_, "▁▁", Piece::USER_DEFINED, 0);
    AddPiece(model_, "<0x0A>", Piece::BYTE, 0);
    AddPiece(model_, "▁a", Piece::NORMAL, -0.0f);
    AddPiece(model_, "▁ab", Piece::NORMAL, -1);
    AddPiece(model_, "▁", Piece::NORMAL, -2);
    AddPiece(model_, "a", Piece::NORMAL, -3);
    AddPiece(model_, "b", Piece::NORMAL, -4);
    model_.set_trainer_spec("\x18\x02");
    tokenizer_ = Json::parse(R"json({
      "added_tokens": [
        {"id": 0, "content": "<pad>", "special": true, "normalized": false},
        {"id": 1, "content": "<unk>", "special": true, "normalized": false},
        {"id": 2, "content": "<mask>", "special": false, "normalized": false},
        {"id": 3, "content": "▁▁", "special": false, "normalized": false}],
      "model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
        "vocab": {"<pad>": 0, "<unk>": 1, "<mask>": 2, "▁▁": 3, "<0x0A>": 4,
                  "▁a": 5, "▁ab": 6, "▁": 7, "a": 8, "b": 9},
        "merges": [["▁", "a"], ["▁a", "b"]]}})json");
  }

  absl::StatusOr<TokenList> LoadTokenizer(uint64_t size) {
    const TestDirectory empty;
    files_.directory = empty.path();
    files_.tokenizer = tokenizer_;
    warnings_.clear();
    return SentencePieceTokens(files_, size, &warnings_);
  }

  sentencepiece::Model model_;
  Json tokenizer_;
};

TEST_F(WithoutModelTest, TokenizerJsonGivesTheSameVocabulary) {
  const auto without = LoadTokenizer(12);
  ASSERT_TRUE(without.ok()) << without.status();
  ASSERT_EQ(warnings_.size(), 1);
  EXPECT_EQ(warnings_[0].code, "scores-from-ranks");
  files_.tokenizer_config["added_tokens_decoder"] = {
      {"0", tokenizer_["added_tokens"][0]},
      {"1", tokenizer_["added_tokens"][1]},
      {"2", tokenizer_["added_tokens"][2]},
      {"3", tokenizer_["added_tokens"][3]}};
  const auto with = Load(model_.SerializeAsString(), 12);
  ASSERT_TRUE(with.ok()) << with.status();
  EXPECT_EQ(without->texts, with->texts);
  EXPECT_EQ(without->scores, with->scores);
  EXPECT_TRUE(std::signbit(without->scores[5]));
  EXPECT_EQ(without->types, with->types);
}

TEST_F(WithoutModelTest, MergesInAnotherOrderGiveNoScores) {
  tokenizer_["model"]["merges"] = Json::parse(R"([["▁a", "b"], ["▁", "a"]])");
  const absl::Status status = LoadTokenizer(12).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "tokenizer.model is needed"))
      << status;
}

}  // namespace
}  // namespace vocab
