#include "converters/vocab/vocab.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "converters/vocab/test_directory.h"
#include "converters/vocab/token_list.h"
#include "gguf/metadata.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;

// tokenizer.ggml.pre of a model whose tokenizer splits each digit and says that
// spaces before punctuation are kept.
std::string PreTokenizerOf(const Vocabulary& vocabulary) {
  const TestDirectory directory;
  directory.Write("tokenizer.json", R"json({
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Digits", "individual_digits": true},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}]},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2},
              "merges": ["a b"]}})json");
  directory.Write("tokenizer_config.json",
                  R"json({"clean_up_tokenization_spaces": false})json");
  const Json config = Json::object();
  const auto metadata = LoadVocabulary(
      vocabulary,
      {.directory = directory.path(), .config = &config, .warnings = nullptr});
  if (!metadata.ok()) return metadata.status().ToString();
  const auto* pre = metadata->FindAs<std::string>("tokenizer.ggml.pre");
  return pre == nullptr ? "none" : *pre;
}

TEST(LoadVocabularyTest, KeptSpacesTellSmolLmFromStarCoderButForStarCoder) {
  constexpr PreTokenizerName kNames[] = {{"smollm", "starcoder"}};
  EXPECT_EQ(PreTokenizerOf({}), "smollm");
  EXPECT_EQ(PreTokenizerOf({.pre_tokenizers = kNames}), "starcoder");
}

TEST(LoadVocabularyTest, TheFamilyAddsItsKeysAtTheEnd) {
  EXPECT_EQ(PreTokenizerOf(
                {.finish =
                     [](const TokenizerFiles& files, gguf::Metadata& metadata) {
                       EXPECT_TRUE(files.tokenizer.is_object());
                       EXPECT_NE(metadata.Find("tokenizer.ggml.merges"),
                                 nullptr);
                       metadata.Set("tokenizer.ggml.pre", std::string("own"));
                       return absl::OkStatus();
                     }}),
            "own");
  EXPECT_EQ(PreTokenizerOf({.finish =
                                [](const TokenizerFiles&, gguf::Metadata&) {
                                  return absl::DataLossError("broken");
                                }}),
            "DATA_LOSS: broken");
}

TEST(LoadVocabularyTest, TheFamilyEditsTokensAndAddsKeysBehindThem) {
  const TestDirectory directory;
  directory.Write("tokenizer.json", R"json({
    "decoder": {"type": "Sequence"},
    "added_tokens": [{"id": 2, "content": "<s>", "special": true}],
    "model": {"type": "BPE", "byte_fallback": true,
              "vocab": {"a": 0, "<0x0A>": 1, "<s>": 2}, "merges": []}})json");
  directory.Write("tokenizer_config.json",
                  R"json({"bos_token": "<s>", "add_prefix_space": true})json");
  const Json config = Json::object();
  const auto metadata = LoadVocabulary(
      {.kind = Kind::kSentencePieceLike,
       .has_scores = false,
       .edit =
           [](const TokenizerFiles&, TokenList& list) {
             list.texts[0] = "b";
             return absl::OkStatus();
           },
       .after_tokens = AddSpacePrefix},
      {.directory = directory.path(), .config = &config, .warnings = nullptr});
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  std::vector<std::string> keys;
  for (const auto& entry : metadata->entries()) keys.push_back(entry.key);
  EXPECT_EQ(keys, (std::vector<std::string>{
                      "tokenizer.ggml.model", "tokenizer.ggml.pre",
                      "tokenizer.ggml.tokens", "tokenizer.ggml.token_type",
                      "tokenizer.ggml.add_space_prefix",
                      "tokenizer.ggml.bos_token_id"}));
  const auto* tokens = metadata->FindAs<gguf::Array>("tokenizer.ggml.tokens");
  ASSERT_NE(tokens, nullptr);
  EXPECT_EQ(std::get<std::vector<std::string>>(tokens->elements)[0], "b");
}

// A vocabulary's files are there or not; whatever else befalls one is an error.
TEST(LoadVocabularyTest, OnlyWhatNothingBearsTheNameOfIsAbsent) {
  const auto make = [](const TestDirectory& directory) {
    directory.Write("tokenizer.json", R"json({
      "pre_tokenizer": {"type": "ByteLevel"},
      "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})json");
  };
  const Json config = Json::object();
  const auto load = [&](const TestDirectory& directory) {
    return LoadVocabulary({.kind = Kind::kLlama},
                          {.directory = directory.path(),
                           .config = &config,
                           .warnings = nullptr})
        .status();
  };
  for (const char* name :
       {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "tokenizer.model", "merges.txt"}) {
    const TestDirectory dangling, directory, pipe;
    for (const TestDirectory* d : {&dangling, &directory, &pipe}) make(*d);
    EXPECT_TRUE(load(dangling).ok()) << load(dangling);
    const auto path = [name](const TestDirectory& d) {
      return d.path() + "/" + name;
    };
    ASSERT_EQ(symlink("nowhere", path(dangling).c_str()), 0);
    ASSERT_EQ(mkdir(path(directory).c_str(), 0700), 0);
    ASSERT_EQ(mkfifo(path(pipe).c_str(), 0600), 0);
    for (const TestDirectory* d : {&dangling, &directory, &pipe}) {
      EXPECT_NE(load(*d).message().find(name), std::string::npos)
          << name << load(*d);
    }
  }
}

// New special tokens get the next ids in the order of the file.
TEST(LoadVocabularyTest, NamedExtraTokensFollowTheFilesOrder) {
  const TestDirectory directory;
  directory.Write("tokenizer.json", R"json({
    "pre_tokenizer": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})json");
  directory.Write("tokenizer_config.json", R"json({
    "z_token": "<z>", "y_token": "<y>",
    "extra_special_tokens": {"b_token": "<b>", "a_token": "<a>"}})json");
  const Json config = Json::object();
  const auto metadata = LoadVocabulary(
      {.size = 5},
      {.directory = directory.path(), .config = &config, .warnings = nullptr});
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(
      metadata->FindAs<gguf::Array>("tokenizer.ggml.tokens")->elements,
      gguf::Array{std::vector<std::string>({"a", "<z>", "<y>", "<b>", "<a>"})}
          .elements);
}

}  // namespace
}  // namespace vocab
