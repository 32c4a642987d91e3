#include "converters/config/text_model.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "converters/config/config.h"
#include "gguf/metadata.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<TextSizes> Read(const nlohmann::json& json) {
  return ReadTextSizes(*Config::Make(json, {}));
}

TEST(ReadTextSizesTest, OldAndNewNamesAreTheSame) {
  const auto a = Read({{"num_hidden_layers", 2},
                       {"hidden_size", 256},
                       {"intermediate_size", 96},
                       {"num_attention_heads", 4},
                       {"num_key_value_heads", 2},
                       {"head_dim", 32},
                       {"vocab_size", 10}});
  ASSERT_TRUE(a.ok()) << a.status();
  EXPECT_EQ(a->feed_forward, 96u);
  EXPECT_EQ(a->kv_heads, 2u);
  EXPECT_EQ(a->head_size, 32u);
  const auto b = Read(
      {{"n_layer", 2}, {"n_embd", 256}, {"n_head", 4}, {"vocab_size", 10}});
  ASSERT_TRUE(b.ok()) << b.status();
  EXPECT_EQ(b->blocks, a->blocks);
  EXPECT_EQ(b->hidden, a->hidden);
  EXPECT_EQ(b->heads, a->heads);
  EXPECT_EQ(b->feed_forward, 1024u);
  EXPECT_EQ(b->kv_heads, 4u);
  EXPECT_EQ(b->head_size, 64u);
}

TEST(ReadTextSizesTest, WhatHasNoFallbackIsNamed) {
  const auto sizes = Read({{"hidden_size", 256}, {"vocab_size", 10}});
  EXPECT_TRUE(absl::IsInvalidArgument(sizes.status()));
  EXPECT_THAT(std::string(sizes.status().message()),
              HasSubstr("num_hidden_layers is missing"));
  EXPECT_FALSE(Read({{"num_hidden_layers", 2},
                     {"hidden_size", 256},
                     {"num_attention_heads", 0},
                     {"vocab_size", 10}})
                   .ok());
}

// Products that wrapped around in 64 bits gave shapes that matched nonsense.
TEST(ReadTextSizesTest, ProductsBeyondAnyTensorNameTheKeys) {
  const auto sizes = Read({{"num_hidden_layers", 2},
                           {"hidden_size", 32},
                           {"num_attention_heads", 3043264076},
                           {"head_dim", 2020499877},
                           {"vocab_size", 10}});
  EXPECT_TRUE(absl::IsInvalidArgument(sizes.status()));
  EXPECT_THAT(std::string(sizes.status().message()),
              HasSubstr("num_attention_heads 3043264076 times head_dim "
                        "2020499877"));
  EXPECT_THAT(std::string(Read({{"num_hidden_layers", 4294967295},
                                {"hidden_size", 32},
                                {"num_attention_heads", 4},
                                {"vocab_size", 10}})
                              .status()
                              .message()),
              HasSubstr("num_hidden_layers is 4294967295, expected at most"));
}

TEST(CheckRotaryTest, HeadsHoldPairs) {
  TextSizes sizes;
  sizes.head_size = 64;
  EXPECT_TRUE(CheckRotary(sizes).ok());
  sizes.head_size = 65;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckRotary(sizes)));
  sizes.head_size = 4000000000;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckRotary(sizes)));
}

gguf::Metadata Parameters(const nlohmann::json& json) {
  const auto config = Config::Make(json, {});
  gguf::Metadata metadata;
  const absl::Status status = AddTextParameters("a", *config, metadata);
  EXPECT_TRUE(status.ok()) << status;
  return metadata;
}

std::vector<std::string> Keys(const gguf::Metadata& metadata) {
  std::vector<std::string> keys;
  for (const auto& entry : metadata.entries()) keys.push_back(entry.key);
  return keys;
}

TEST(AddTextParametersTest, WritesWhatThereIsInTheReferencesOrder) {
  EXPECT_THAT(
      Keys(Parameters({{"num_hidden_layers", 2},
                       {"num_experts_per_tok", 2},
                       {"num_local_experts", 8},
                       {"head_dim", 64},
                       {"rms_norm_eps", 1e-5},
                       {"rope_theta", 10000},
                       {"is_causal", false},
                       {"num_attention_heads", 4},
                       {"num_key_value_heads", 2},
                       {"intermediate_size", 96},
                       {"hidden_size", 256},
                       {"model_max_length", 4096}})),
      ElementsAre("a.block_count", "a.context_length", "a.embedding_length",
                  "a.feed_forward_length", "a.attention.head_count",
                  "a.attention.head_count_kv", "a.attention.causal",
                  "a.rope.freq_base", "a.attention.layer_norm_rms_epsilon",
                  "a.expert_count", "a.expert_used_count",
                  "a.attention.key_length", "a.attention.value_length",
                  "general.file_type"));
  EXPECT_THAT(Keys(Parameters({{"n_layer", 2}})),
              ElementsAre("a.block_count", "general.file_type"));
}

TEST(AddTextParametersTest, YarnScaling) {
  const gguf::Metadata metadata =
      Parameters({{"n_layer", 1},
                  {"rope_scaling",
                   {{"type", "yarn"},
                    {"factor", 4},
                    {"original_max_position_embeddings", 512},
                    {"truncate", false},
                    {"attn_factor", 1.5},
                    {"beta_fast", 32},
                    {"beta_slow", 1}}}});
  EXPECT_THAT(
      Keys(metadata),
      ElementsAre(
          "a.block_count", "a.rope.scaling.type", "a.rope.scaling.factor",
          "a.rope.scaling.original_context_length",
          "a.rope.scaling.yarn_truncate", "a.rope.scaling.yarn_attn_factor",
          "a.rope.scaling.yarn_beta_fast", "a.rope.scaling.yarn_beta_slow",
          "general.file_type"));
  EXPECT_EQ(*metadata.FindAs<std::string>("a.rope.scaling.type"), "yarn");
  EXPECT_EQ(*metadata.FindAs<float>("a.rope.scaling.factor"), 4.0f);
  EXPECT_EQ(*metadata.FindAs<bool>("a.rope.scaling.yarn_truncate"), false);
}

TEST(AddTextParametersTest, OtherScalings) {
  const auto type = [](const nlohmann::json& scaling) {
    const gguf::Metadata metadata =
        Parameters({{"n_layer", 1}, {"rope_scaling", scaling}});
    const auto* text = metadata.FindAs<std::string>("a.rope.scaling.type");
    return text == nullptr ? "(absent)" : *text;
  };
  EXPECT_EQ(type({{"type", "linear"}, {"factor", 2.0}}), "linear");
  EXPECT_EQ(type({{"type", "linear"}}), "(absent)");
  EXPECT_EQ(type({{"type", "su"}}), "longrope");
  EXPECT_EQ(type({{"rope_type", "llama3"}, {"factor", 8.0}}), "(absent)");
  EXPECT_EQ(type({{"rope_type", "dynamic"}, {"factor", 8.0}}), "(absent)");
}

TEST(AddTextParametersTest, ANumberBeyondFloatsIsAnError) {
  const auto config = Config::Make({{"n_layer", 1}, {"rope_theta", 1e300}}, {});
  gguf::Metadata metadata;
  EXPECT_TRUE(
      absl::IsInvalidArgument(AddTextParameters("a", *config, metadata)));
}

TEST(AddTextParametersTest, ABadValueIsAnError) {
  const auto config =
      Config::Make({{"n_layer", 1}, {"hidden_size", "many"}}, {});
  gguf::Metadata metadata;
  const absl::Status status = AddTextParameters("a", *config, metadata);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
}

// What the reference's base writes for models of experts and for vision models.
TEST(AddTextParametersTest, ExpertsAndRotarySections) {
  const gguf::Metadata metadata = Parameters(
      {{"n_layer", 1},
       {"n_routed_experts", 8},
       {"top_k_experts", 2},
       {"n_group", 4},
       {"topk_group", 2},
       {"scoring_func", "sigmoid"},
       {"rope_parameters", {{"mrope_section", {8, 12}}, {"rope_theta", 1e6}}},
       {"rope_local_base_freq", 10000}});
  EXPECT_THAT(Keys(metadata),
              ElementsAre("a.block_count", "a.rope.dimension_sections",
                          "a.rope.freq_base", "a.rope.freq_base_swa",
                          "a.expert_count", "a.expert_used_count",
                          "a.expert_group_count", "a.expert_group_used_count",
                          "a.expert_gating_func", "general.file_type"));
  EXPECT_EQ(metadata.FindAs<gguf::Array>("a.rope.dimension_sections")->elements,
            gguf::Array{std::vector<int32_t>({8, 12, 0, 0})}.elements);
  EXPECT_EQ(*metadata.FindAs<uint32_t>("a.expert_gating_func"), 2u);
  EXPECT_EQ(*metadata.FindAs<float>("a.rope.freq_base_swa"), 10000.0f);
}

TEST(AddTextParametersTest, AnUnknownGatingFunctionIsAnError) {
  const auto config = Config::Make({{"n_layer", 1}, {"score_func", "x"}}, {});
  gguf::Metadata metadata;
  EXPECT_THAT(std::string(AddTextParameters("a", *config, metadata).message()),
              HasSubstr("score_func is \"x\", expected softmax"));
}

TEST(AddTextParametersTest, ListsBecomeArrays) {
  const gguf::Metadata metadata =
      Parameters({{"n_layer", 2}, {"num_key_value_heads", {4, 0}}});
  EXPECT_EQ(metadata.FindAs<gguf::Array>("a.attention.head_count_kv")->elements,
            gguf::Array{std::vector<int32_t>({4, 0})}.elements);
}

TEST(AddTextParametersTest, SettingsByKindOfLayers) {
  const gguf::Metadata metadata = Parameters(
      {{"n_layer", 1},
       {"rope_parameters",
        {{"full_attention",
          {{"rope_type", "linear"}, {"factor", 8.0}, {"rope_theta", 1e6}}},
         {"sliding_attention",
          {{"rope_type", "default"}, {"rope_theta", 1e4}}}}}});
  EXPECT_EQ(*metadata.FindAs<float>("a.rope.scaling.factor"), 8.0f);
  EXPECT_EQ(*metadata.FindAs<float>("a.rope.freq_base"), 1e6f);
  EXPECT_EQ(*metadata.FindAs<float>("a.rope.freq_base_swa"), 1e4f);
}

}  // namespace
}  // namespace converters
