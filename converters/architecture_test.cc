#include "converters/architecture.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "converters/fake_source.h"
#include "converters/warning.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::string_view kNames[] = {"ToyForCausalLM"};

absl::StatusOr<gguf::Metadata> ThreeTokens(const vocab::VocabInput&) {
  gguf::Metadata metadata;
  metadata.SetArray("tokenizer.ggml.tokens",
                    std::vector<std::string>{"a", "b", "c"});
  return metadata;
}

class Toy final : public Architecture {
 public:
  Toy() : Architecture("toy", kNames) {}

 private:
  absl::StatusOr<Description> Describe(const Config& config) const override {
    const absl::StatusOr<uint32_t> rows = config.Uint({"vocab_size"});
    if (!rows.ok()) return rows.status();
    Description model = {
        .tensors =
            {.architecture = "toy",
             .blocks = 0,
             .rules = {{"embed", "token_embd", {*rows, 2}},
                       TensorRule("head", "output", {*rows, 2}).Optional()}},
        .load_vocabulary = ThreeTokens,
        .vocab_size = *rows};
    model.parameters.Set("toy.key", uint32_t{7});
    return model;
  }
};

absl::StatusOr<ModelPlan> Plan(const nlohmann::json& config,
                               const FakeSource& source) {
  return Toy().Plan({.directory = "/nowhere/my-model/",
                     .config = &config,
                     .source = &source,
                     .options = {}});
}

TEST(ArchitectureTest, PutsAPlanTogether) {
  FakeSource source;
  source.Add("embed.weight", {3, 2});
  const auto plan = Plan({{"vocab_size", 3}}, source);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->architecture, "toy");
  ASSERT_EQ(plan->tensors.size(), 1u);
  std::vector<std::string> keys;
  for (const auto& entry : plan->metadata.entries()) keys.push_back(entry.key);
  EXPECT_THAT(keys, ElementsAre("general.architecture", "general.type",
                                "general.name", "general.size_label", "toy.key",
                                "general.quantization_version",
                                "tokenizer.ggml.tokens"));
  EXPECT_EQ(*plan->metadata.FindAs<std::string>("general.name"), "My Model");
  EXPECT_THAT(plan->warnings, IsEmpty());
}

TEST(ArchitectureTest, AVocabularyThatDoesNotFitIsAnError) {
  FakeSource source;
  source.Add("embed.weight", {4, 2});
  const auto plan = Plan({{"vocab_size", 4}}, source);
  EXPECT_TRUE(absl::IsInvalidArgument(plan.status()));
  EXPECT_THAT(std::string(plan.status().message()),
              HasSubstr("3 tokens, but the embedding has 4 rows"));
}

TEST(ArchitectureTest, AnUntiedModelWithoutAHeadIsReported) {
  FakeSource source;
  source.Add("embed.weight", {3, 2});
  const nlohmann::json config = {{"vocab_size", 3},
                                 {"tie_word_embeddings", false}};
  EXPECT_THAT(Plan(config, source)->warnings,
              ElementsAre(Field(&Warning::code, "tied-head-differs")));
  source.Add("head.weight", {3, 2});
  EXPECT_THAT(Plan(config, source)->warnings, IsEmpty());
}

TEST(ArchitectureTest, QuantizedCheckpointsAreExplained) {
  FakeSource source;
  source.Add("embed.qweight", {3, 2});
  const nlohmann::json config = {
      {"vocab_size", 3}, {"quantization_config", {{"quant_method", "gptq"}}}};
  const auto plan = Plan(config, source);
  EXPECT_TRUE(absl::IsInvalidArgument(plan.status()));
  EXPECT_THAT(std::string(plan.status().message()),
              testing::AllOf(HasSubstr("embed.qweight"),
                             HasSubstr("original checkpoint")));
}

TEST(ArchitectureTest, TheModelsNameCanBeGiven) {
  FakeSource source;
  source.Add("embed.weight", {3, 2});
  const nlohmann::json config = {{"vocab_size", 3}};
  ConversionInput input = {.directory = "/cache/0123abcd",
                           .config = &config,
                           .source = &source,
                           .options = {}};
  input.options.model_name = "org/real-name-v2";
  const auto plan = Toy().Plan(input);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(*plan->metadata.FindAs<std::string>("general.name"),
            "Real Name v2");
  EXPECT_EQ(*plan->metadata.FindAs<std::string>("general.organization"), "Org");
}

}  // namespace
}  // namespace converters
