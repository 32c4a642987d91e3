#include "converters/text_parameters.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "converters/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using ::testing::ElementsAre;

gguf::Metadata Parameters(const nlohmann::json& json) {
  const auto config = Config::Make(json);
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
  const auto config = Config::Make({{"n_layer", 1}, {"rope_theta", 1e300}});
  gguf::Metadata metadata;
  EXPECT_TRUE(
      absl::IsInvalidArgument(AddTextParameters("a", *config, metadata)));
}

TEST(AddTextParametersTest, ABadValueIsAnError) {
  const auto config = Config::Make({{"n_layer", 1}, {"hidden_size", "many"}});
  gguf::Metadata metadata;
  const absl::Status status = AddTextParameters("a", *config, metadata);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
}

}  // namespace
}  // namespace converters
