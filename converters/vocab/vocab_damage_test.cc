// Files that are wrong in ways that nobody foresaw one by one: every value of
// a tokenizer's JSON files replaced by values of other kinds, every truncation.
// Each must give a vocabulary or an error that names the file; sanitizers watch
// the rest.

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "converters/vocab/test_directory.h"
#include "converters/vocab/vocab.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;

Json Token(int id, const char* content) {
  return {{"id", id},          {"content", content}, {"single_word", false},
          {"lstrip", false},   {"rstrip", false},    {"normalized", false},
          {"special", id != 7}};
}

Json Tokenizer() {
  return Json::parse(R"json({
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Digits", "individual_digits": true},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}]},
    "post_processor": {"type": "Sequence", "processors": [
      {"type": "ByteLevel"},
      {"type": "TemplateProcessing",
       "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}},
                  {"SpecialToken": {"id": "</s>"}}],
       "pair": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}},
                {"SpecialToken": {"id": "</s>"}}, {"Sequence": {"id": "B"}}]}]},
    "decoder": {"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "x"}, "content": "y"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0},
      {"type": "ByteLevel"}]},
    "model": {"type": "BPE", "byte_fallback": false, "ignore_merges": false,
      "vocab": {"a": 0, "b": 1, "ab": 2, "<s>": 3, "</s>": 4},
      "merges": [["a", "b"], ["a", "b"]]}
  })json");
}

class VocabDamageTest : public testing::Test {
 protected:
  void SetUp() override {
    files_["tokenizer.json"] = Tokenizer();
    files_["tokenizer.json"]["added_tokens"] = {
        Token(3, "<s>"), Token(4, "</s>"), Token(7, "Ġnew")};
    files_["tokenizer_config.json"] = {
        {"bos_token", "<s>"},
        {"eos_token", {{"content", "</s>"}}},
        {"tokenizer_class", "PreTrainedTokenizerFast"},
        {"add_bos_token", true},
        {"added_tokens_decoder", {{"3", Token(3, "<s>")}}},
        {"additional_special_tokens", {"<x>", {{"content", "<y>"}}}},
        {"chat_template",
         Json::array({{{"name", "default"}, {"template", "T"}}})}};
    files_["special_tokens_map.json"] = {{"bos_token", "<s>"}};
    files_["added_tokens.json"] = {{"<z>", 9}};
    files_["config.json"] = {{"model_type", "llama"},
                             {"vocab_size", 16},
                             {"bos_token_id", 3},
                             {"pad_token_id", -1}};
    for (const auto& [name, content] : files_.items()) {
      directory_.Write(name, content.dump());
    }
  }

  absl::Status Load(const Json& config) {
    return LoadVocabulary({.kind = Kind::kLlama, .size = 16},
                          {.directory = directory_.path(),
                           .config = &config,
                           .warnings = nullptr})
        .status();
  }

  // Replaces the value at each path in turn.
  int TryEveryValue(const std::string& file) {
    const std::vector<Json> wrong = {nullptr,
                                     true,
                                     -1,
                                     Json::number_integer_t{INT64_MIN},
                                     UINT64_MAX,
                                     1.5,
                                     "",
                                     "x",
                                     Json::array(),
                                     Json::object(),
                                     Json::array({Json::array({1})}),
                                     {{"type", "Sequence"}}};
    int tried = 0;
    const Json flat = files_[file].flatten();
    std::set<std::string> paths;
    for (const auto& [path, value] : flat.items()) {
      // The value itself and everything that holds it.
      for (std::string p = path; !p.empty(); p.resize(p.rfind('/'))) {
        paths.insert(p);
      }
    }
    for (const std::string& path : paths) {
      for (const Json& value : wrong) {
        Json damaged = files_[file];
        damaged[Json::json_pointer(path)] = value;
        directory_.Write(file, damaged.dump());
        Check(Load(file == "config.json" ? damaged : files_["config.json"]),
              absl::StrCat(file, path, " = ", value.dump()));
        ++tried;
      }
    }
    directory_.Write(file, files_[file].dump());
    return tried;
  }

  void Check(const absl::Status& status, const std::string& what) {
    if (status.ok()) return;
    EXPECT_TRUE(absl::StrContains(status.message(), ".json")) << what << status;
    EXPECT_NE(status.code(), absl::StatusCode::kInternal) << what << status;
  }

  TestDirectory directory_;
  Json files_ = Json::object();
};

TEST_F(VocabDamageTest, UndamagedFilesLoad) {
  const absl::Status status = Load(files_["config.json"]);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(VocabDamageTest, EveryValueOfEveryFile) {
  EXPECT_GT(TryEveryValue("tokenizer.json"), 900);
  EXPECT_GT(TryEveryValue("tokenizer_config.json"), 200);
  EXPECT_GT(TryEveryValue("special_tokens_map.json"), 10);
  EXPECT_GT(TryEveryValue("added_tokens.json"), 10);
  EXPECT_GT(TryEveryValue("config.json"), 40);
}

TEST_F(VocabDamageTest, EveryTruncation) {
  for (const auto& [file, content] : files_.items()) {
    if (file == "config.json") continue;  // the caller's to read
    const std::string whole = content.dump();
    for (size_t length = 0; length < whole.size(); ++length) {
      directory_.Write(file, whole.substr(0, length));
      const absl::Status status = Load(files_["config.json"]);
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << file << length;
      EXPECT_TRUE(absl::StrContains(status.message(), file)) << status;
    }
    directory_.Write(file, whole);
  }
}

TEST_F(VocabDamageTest, DeepNestingIsRefused) {
  directory_.Write("tokenizer.json", std::string(1 << 20, '['));
  EXPECT_EQ(Load(files_["config.json"]).code(), absl::StatusCode::kDataLoss);
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "{\"decoder\":";
  directory_.Write("tokenizer.json", deep + "1" + std::string(100000, '}'));
  const absl::Status status = Load(files_["config.json"]);
  EXPECT_TRUE(absl::StrContains(status.message(), "nested deeper")) << status;
}

struct Wrong {
  const char* path;
  Json value;
  const char* message;
};

TEST_F(VocabDamageTest, ForeseenFaultsAreNamed) {
  const std::vector<Wrong> faults = {
      {"/model/vocab/b", 0, "id 0 is given to both \"a\" and \"b\""},
      {"/model/vocab/b", -5, "token \"b\": expected an id"},
      {"/model/vocab/b", 400, "has the id 400, but the embedding"},
      {"/model/vocab/b", UINT64_MAX, "token \"b\": expected an id"},
      {"/model/vocab/b", 5, "the vocabulary's ids have gaps"},
      {"/model/vocab", Json::object(), "the vocabulary is empty"},
      {"/model/type", "Unigram", "model.type is \"Unigram\""},
      {"/model/merges/1/0", "zz", "needs the token \"zz\""},
      {"/added_tokens/0/id", -1, "added_tokens[0]"},
      {"/pre_tokenizer", nullptr, "--pre=NAME"},
  };
  for (const Wrong& fault : faults) {
    Json damaged = files_["tokenizer.json"];
    damaged[Json::json_pointer(fault.path)] = fault.value;
    directory_.Write("tokenizer.json", damaged.dump());
    const absl::Status status = Load(files_["config.json"]);
    EXPECT_TRUE(absl::StrContains(status.message(), fault.message))
        << fault.path << ": " << status;
  }
}

TEST_F(VocabDamageTest, NegativeSpecialTokenIds) {
  Json config = files_["config.json"];
  EXPECT_TRUE(Load(config).ok());  // -1 is how some say "none"
  config["pad_token_id"] = -2;
  const absl::Status status = Load(config);
  EXPECT_TRUE(
      absl::StrContains(status.message(), "special token \"pad\" is -2"))
      << status;
}

TEST_F(VocabDamageTest, NoTokenizerAtAll) {
  const TestDirectory empty;
  const Json config = Json::object();
  const absl::Status status =
      LoadVocabulary(
          {.kind = Kind::kLlama, .size = 16},
          {.directory = empty.path(), .config = &config, .warnings = nullptr})
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StrContains(status.message(), "tokenizer.model")) << status;
}

}  // namespace
}  // namespace vocab
