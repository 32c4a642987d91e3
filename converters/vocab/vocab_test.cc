#include "converters/vocab/vocab.h"

#include <optional>
#include <string>

#include "converters/vocab/test_directory.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;

// tokenizer.ggml.pre of a model of this type whose tokenizer splits each digit
// and says that spaces before punctuation are kept.
std::string PreTokenizerOf(const char* model_type) {
  const TestDirectory directory;
  directory.Write("tokenizer.json", R"json({
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Digits", "individual_digits": true},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}]},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2},
              "merges": ["a b"]}})json");
  directory.Write("tokenizer_config.json",
                  R"json({"clean_up_tokenization_spaces": false})json");
  const Json config = {{"model_type", model_type}};
  const auto metadata =
      LoadByteLevelBpe({directory.path(), &config, 3, std::nullopt});
  if (!metadata.ok()) return metadata.status().ToString();
  const auto* pre = metadata->FindAs<std::string>("tokenizer.ggml.pre");
  return pre == nullptr ? "none" : *pre;
}

TEST(VocabTest, KeptSpacesTellSmolLmFromStarCoderButNotStarCoderItself) {
  EXPECT_EQ(PreTokenizerOf("llama"), "smollm");
  EXPECT_EQ(PreTokenizerOf("gpt_bigcode"), "starcoder");
  EXPECT_EQ(PreTokenizerOf("starcoder2"), "starcoder");
}

}  // namespace
}  // namespace vocab
