#include "converters/plan_model.h"

#include <filesystem>
#include <fstream>
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

// Three tokens whatever the embedding has.
absl::Status ThreeTokens(const vocab::TokenizerFiles&,
                         gguf::Metadata& metadata) {
  metadata.SetArray("tokenizer.ggml.tokens",
                    std::vector<std::string>{"a", "b", "c"});
  return absl::OkStatus();
}

std::string ModelDirectory() {
  const std::string directory = ::testing::TempDir() + "/my-model/";
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "tokenizer.json") << R"json({
      "pre_tokenizer": {"type": "ByteLevel"},
      "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})json";
  return directory;
}

absl::Status DescribeToy(const Config& config, Model& model) {
  const absl::StatusOr<uint32_t> rows = config.Uint({"vocab_size"});
  if (!rows.ok()) return rows.status();
  model.tensors.Matrix("token_embd", "embed", *rows, 2);
  model.tensors.Matrix("output", "head", *rows, 2).Optional();
  model.vocabulary = {.size = *rows, .finish = ThreeTokens};
  model.keys.Set("toy.key", uint32_t{7});
  return absl::OkStatus();
}

constexpr Architecture kToy = {"toy", kNames, {}, DescribeToy};

absl::StatusOr<ModelPlan> Plan(const nlohmann::json& config,
                               const FakeSource& source) {
  return PlanModel(kToy, {.directory = ModelDirectory(),
                          .config = &config,
                          .source = &source,
                          .options = {}});
}

TEST(PlanModelTest, PutsAPlanTogether) {
  FakeSource source;
  source.Add("embed.weight", {3, 2});
  const auto plan = Plan({{"vocab_size", 3}}, source);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->architecture, "toy");
  ASSERT_EQ(plan->tensors.size(), 1u);
  std::vector<std::string> keys;
  for (const auto& entry : plan->metadata.entries()) keys.push_back(entry.key);
  EXPECT_THAT(
      keys, ElementsAre("general.architecture", "general.type", "general.name",
                        "general.size_label", "toy.key",
                        "general.quantization_version", "tokenizer.ggml.model",
                        "tokenizer.ggml.pre", "tokenizer.ggml.tokens",
                        "tokenizer.ggml.token_type"));
  EXPECT_EQ(*plan->metadata.FindAs<std::string>("general.name"), "My Model");
  EXPECT_THAT(plan->warnings, IsEmpty());
}

TEST(PlanModelTest, ATensorThatCannotBeReadIsAnErrorOnlyWhereItIsUsed) {
  FakeSource source;
  source.Add("embed.weight", {3, 2}, "F4", "embed.weight is of type F4");
  const auto plan = Plan({{"vocab_size", 3}}, source);
  EXPECT_TRUE(absl::IsUnimplemented(plan.status())) << plan.status();
  EXPECT_EQ(plan.status().message(), "embed.weight is of type F4");
  FakeSource other;
  other.Add("embed.weight", {3, 2});
  other.Add("a.rotary_emb.inv_freq", {3}, "F4", "of type F4");
  const auto unused = Plan({{"vocab_size", 3}}, other);
  EXPECT_TRUE(unused.ok()) << unused.status();
}

TEST(PlanModelTest, AVocabularyThatDoesNotFitIsAnError) {
  FakeSource source;
  source.Add("embed.weight", {4, 2});
  const auto plan = Plan({{"vocab_size", 4}}, source);
  EXPECT_TRUE(absl::IsInvalidArgument(plan.status()));
  EXPECT_THAT(std::string(plan.status().message()),
              HasSubstr("3 tokens, but the embedding has 4 rows"));
}

TEST(PlanModelTest, AnUntiedModelWithoutAHeadIsReported) {
  FakeSource source;
  source.Add("embed.weight", {3, 2});
  const nlohmann::json config = {{"vocab_size", 3},
                                 {"tie_word_embeddings", false}};
  EXPECT_THAT(Plan(config, source)->warnings,
              ElementsAre(Field(&Warning::code, "tied-head-differs")));
  source.Add("head.weight", {3, 2});
  EXPECT_THAT(Plan(config, source)->warnings, IsEmpty());
}

TEST(PlanModelTest, QuantizedCheckpointsAreExplained) {
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

TEST(PlanModelTest, TheModelsNameCanBeGiven) {
  FakeSource source;
  source.Add("embed.weight", {3, 2});
  const nlohmann::json config = {{"vocab_size", 3}};
  ConversionInput input = {.directory = ModelDirectory(),
                           .config = &config,
                           .source = &source,
                           .options = {}};
  input.options.model_name = "org/real-name-v2";
  const auto plan = PlanModel(kToy, input);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(*plan->metadata.FindAs<std::string>("general.name"),
            "Real Name v2");
  EXPECT_EQ(*plan->metadata.FindAs<std::string>("general.organization"), "Org");
}

}  // namespace
}  // namespace converters
