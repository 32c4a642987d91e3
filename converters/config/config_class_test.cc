#include "converters/config/config_class.h"

#include <cstdint>

#include "converters/registry.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

json WithDefaults(const json& config) {
  return converters::WithDefaults(config, AllConfigClasses());
}

// The expected values are what AutoConfig.from_pretrained(…).to_dict() of
// transformers 5.12.1 gave for the same file.

TEST(WithDefaultsTest, LlamaDerivesWhatIsLeftOut) {
  const json filled = WithDefaults({{"model_type", "llama"},
                                    {"hidden_size", 256},
                                    {"num_attention_heads", 4}});
  EXPECT_EQ(filled["head_dim"], 64);
  EXPECT_EQ(filled["num_key_value_heads"], 4);
  EXPECT_EQ(filled["num_hidden_layers"], 32);
  EXPECT_EQ(filled["max_position_embeddings"], 2048);
  EXPECT_EQ(filled["rms_norm_eps"], 1e-6);
  EXPECT_EQ(filled["tie_word_embeddings"], false);
  EXPECT_EQ(filled["rope_parameters"],
            json({{"rope_theta", 10000.0}, {"rope_type", "default"}}));
}

TEST(WithDefaultsTest, GivenValuesStay) {
  const json given = {{"model_type", "llama"},    {"hidden_size", 256},
                      {"num_attention_heads", 4}, {"head_dim", 80},
                      {"num_key_value_heads", 2}, {"rms_norm_eps", 1e-5}};
  const json filled = WithDefaults(given);
  for (const auto& [key, value] : given.items()) EXPECT_EQ(filled[key], value);
}

TEST(WithDefaultsTest, DefaultsDifferByModelType) {
  const json mistral = WithDefaults({{"model_type", "mistral"}});
  EXPECT_EQ(mistral["num_key_value_heads"], 8);
  EXPECT_EQ(mistral["max_position_embeddings"], 131072);
  EXPECT_EQ(mistral["head_dim"], 128);
  const json mixtral = WithDefaults({{"model_type", "mixtral"}});
  EXPECT_FALSE(mixtral.contains("head_dim"));
  EXPECT_EQ(mixtral["rms_norm_eps"], 1e-5);
  EXPECT_EQ(mixtral["rope_parameters"]["rope_theta"], 1000000.0);
  const json bigcode = WithDefaults({{"model_type", "gpt_bigcode"}});
  EXPECT_EQ(bigcode["n_positions"], 1024);
  EXPECT_FALSE(bigcode.contains("rope_parameters"));
}

TEST(WithDefaultsTest, RopeScalingOfAllAgesBecomesRopeParameters) {
  const json old =
      WithDefaults({{"model_type", "llama"},
                    {"rope_theta", 500000},
                    {"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}}});
  EXPECT_EQ(old["rope_parameters"], json({{"type", "linear"},
                                          {"factor", 2.0},
                                          {"rope_theta", 500000},
                                          {"rope_type", "linear"}}));
  EXPECT_FALSE(old.contains("rope_scaling"));
  const json yarn = WithDefaults(
      {{"model_type", "llama"},
       {"max_position_embeddings", 4096},
       {"rope_scaling", {{"rope_type", "yarn"}, {"factor", 8.0}}}});
  EXPECT_EQ(yarn["rope_parameters"]["original_max_position_embeddings"], 4096);
  const json neox = WithDefaults({{"model_type", "gpt_neox"},
                                  {"rotary_pct", 0.5},
                                  {"rotary_emb_base", 20000}});
  EXPECT_EQ(neox["rope_parameters"], json({{"rope_theta", 20000},
                                           {"partial_rotary_factor", 0.5},
                                           {"rope_type", "default"}}));
}

TEST(WithDefaultsTest, WhatTransformersRefusesStaysAsItIs) {
  const json refused[] = {
      {{"hidden_size", 256}},
      {{"model_type", "baichuan"}},
      {{"model_type", "llama"}, {"rms_norm_eps", 1}},
      {{"model_type", "llama"}, {"hidden_size", "256"}},
      {{"model_type", "llama"}, {"hidden_size", true}},
      {{"model_type", "llama"}, {"eos_token_id", {1, "a"}}},
      {{"model_type", "llama"}, {"num_attention_heads", 0}},
      {{"model_type", "llama"},
       {"hidden_size", INT64_MIN},
       {"num_attention_heads", -1}},
      {{"model_type", "llama"},
       {"hidden_size", 255},
       {"num_attention_heads", 4}},
      {{"model_type", "mistral"}, {"num_key_value_heads", nullptr}},
      {{"model_type", "llama"}, {"rope_scaling", "linear"}},
      {{"model_type", "llama"}, {"rope_scaling", {{"type", "linear"}}}},
      {{"model_type", "llama"},
       {"rope_scaling", {{"rope_type", "llama3"}, {"factor", 8.0}}}},
  };
  for (const json& config : refused) EXPECT_EQ(WithDefaults(config), config);
}

// The one exception to transformers: an old spelling is not overridden.
TEST(WithDefaultsTest, OldSpellingsTakeTheDefaultsPlace) {
  const json filled =
      WithDefaults({{"model_type", "falcon"}, {"n_layer", 2}, {"n_head", 4}});
  EXPECT_FALSE(filled.contains("num_hidden_layers"));
  EXPECT_FALSE(filled.contains("num_attention_heads"));
  const json llama = WithDefaults({{"model_type", "llama"}, {"n_embd", 64}});
  EXPECT_FALSE(llama.contains("hidden_size"));
  EXPECT_FALSE(llama.contains("head_dim"));
  EXPECT_EQ(llama["num_attention_heads"], 32);
}

constexpr ConfigClass kNested[] = {
    {.model_type = "both",
     .rope = {.is_used = false},
     .text_model_type = "inner"},
    {.model_type = "inner",
     .fields = {kSizeFields},
     .defaults = R"({"hidden_size": 8, "num_attention_heads": 2,
                     "head_dim": 128})",
     .rope = {.theta = 5.0},
     .derives_head_dim = true},
    {.model_type = "odd",
     .defaults = R"({"a": 1})",
     .rope = {.is_used = false},
     .complete =
         [](json& config) {
           config["b"] = config["a"];
           return config["a"] != 0;
         }},
};

TEST(WithDefaultsTest, TheTextModelHasItsOwnDefaultsOverAllOthers) {
  const json filled = converters::WithDefaults(
      {{"model_type", "both"},
       {"x", 1},
       {"hidden_size", 1},
       {"text_config", {{"num_attention_heads", 4}, {"head_dim", nullptr}}}},
      kNested);
  EXPECT_EQ(filled["x"], 1);
  EXPECT_EQ(filled["hidden_size"], 8);
  EXPECT_EQ(filled["num_attention_heads"], 4);
  EXPECT_EQ(filled["head_dim"], 2);  // null is divided, absent would be 128
  EXPECT_EQ(filled["rope_parameters"]["rope_theta"], 5.0);
}

TEST(WithDefaultsTest, EveryPlaceOfATextModel) {
  for (const char* place :
       {"text_config", "llm_config", "lm_config", "language_config", "lfm"}) {
    const json filled = converters::WithDefaults(
        {{"model_type", "both"}, {place, {{"model_type", "inner"}}}}, kNested);
    EXPECT_EQ(filled["hidden_size"], 8) << place;
    EXPECT_EQ(filled["model_type"], "inner");
  }
  const json thinker = converters::WithDefaults(
      {{"model_type", "both"},
       {"thinker_config", {{"text_config", {{"hidden_size", 16}}}}}},
      kNested);
  EXPECT_EQ(thinker["hidden_size"], 16);
}

// The reference then reads the file alone, the inner part too.
TEST(WithDefaultsTest, ARefusedPartLeavesTheWholeAsItIs) {
  const json filled = converters::WithDefaults(
      {{"model_type", "both"}, {"text_config", {{"hidden_size", "8"}}}},
      kNested);
  EXPECT_EQ(filled["hidden_size"], "8");
  EXPECT_FALSE(filled.contains("head_dim"));
  const json unknown = converters::WithDefaults(
      {{"model_type", "?"}, {"text_config", {{"model_type", "inner"}}}},
      kNested);
  EXPECT_FALSE(unknown.contains("hidden_size"));
}

TEST(WithDefaultsTest, AClassMayCompleteItself) {
  const json given = {{"model_type", "odd"}};
  EXPECT_EQ(converters::WithDefaults(given, kNested)["b"], 1);
  const json refused = {{"model_type", "odd"}, {"a", 0}};
  EXPECT_EQ(converters::WithDefaults(refused, kNested), refused);
}

}  // namespace
}  // namespace converters
