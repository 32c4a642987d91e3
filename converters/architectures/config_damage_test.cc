// config.json with values that nobody foresaw one by one: each value of each
// architecture's replaced by values of other kinds, and left out. Each must
// give a plan or an error that says where to look; sanitizers watch the rest.

#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "converters/architecture.h"
#include "converters/checkpoint/checkpoint.h"
#include "converters/plan_model.h"
#include "converters/registry.h"
#include "converters/tensor_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testdata/expected.h"

namespace converters {
namespace {

using nlohmann::json;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class ConfigDamageTest : public testing::TestWithParam<std::string> {
 protected:
  ConfigDamageTest() : directory_(testdata::CheckpointDirectory(GetParam())) {}

  void SetUp() override {
    auto config = base::ReadJsonFile(absl::StrCat(directory_, "/config.json"));
    ASSERT_TRUE(config.ok()) << config.status();
    config_ = *std::move(config);
    auto source = checkpoint::Open(directory_);
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
    const auto architecture = FindArchitecture(config_, "");
    ASSERT_TRUE(architecture.ok()) << architecture.status();
    architecture_ = *architecture;
  }

  absl::Status Plan(const json& config) const {
    return PlanModel(*architecture_, {.directory = directory_,
                                      .config = &config,
                                      .source = source_.get(),
                                      .options = {}})
        .status();
  }

  void ExpectPlanOrError(const json& config) const {
    const absl::Status status = Plan(config);
    if (status.ok()) return;
    EXPECT_NE(status.code(), absl::StatusCode::kInternal) << status;
    EXPECT_THAT(status.message(),
                AnyOf(HasSubstr("config.json"), HasSubstr(".safetensors"),
                      HasSubstr("tokenizer")))
        << config;
  }

  const std::string directory_;
  json config_;
  std::unique_ptr<converters::TensorSource> source_;
  const Architecture* architecture_ = nullptr;
};

TEST_P(ConfigDamageTest, EveryValue) {
  const std::vector<json> wrong = {nullptr,
                                   true,
                                   -1,
                                   0,
                                   1,
                                   3,
                                   0.5,
                                   1e300,
                                   std::numeric_limits<uint32_t>::max(),
                                   std::numeric_limits<int64_t>::min(),
                                   std::numeric_limits<uint64_t>::max(),
                                   "",
                                   "256",
                                   json::array(),
                                   json::array({json::array({1}), "a"}),
                                   json::object(),
                                   {{"rope_type", "llama3"}, {"factor", 0}},
                                   {{"type", "yarn"}, {"factor", "x"}}};
  ASSERT_TRUE(Plan(config_).ok()) << Plan(config_);
  // What config.json of this family may say besides.
  std::vector<std::string> keys = {
      "head_dim",     "rope_scaling",      "rope_parameters", "rope_theta",
      "text_config",  "num_local_experts", "num_kv_heads",    "n_head_kv",
      "pad_token_id", "_name_or_path",     "is_causal",       "model_type"};
  for (const auto& [key, value] : config_.items()) keys.push_back(key);
  for (const std::string& key : keys) {
    json damaged = config_;
    damaged.erase(key);
    ExpectPlanOrError(damaged);
    for (const json& value : wrong) {
      damaged[key] = value;
      ExpectPlanOrError(damaged);
    }
  }
}

// Sizes are multiplied with each other: no product may wrap around into a shape
// that some tensor has.
TEST_P(ConfigDamageTest, EveryPairOfSizes) {
  const std::vector<std::string> keys = {"hidden_size",
                                         "n_embd",
                                         "num_attention_heads",
                                         "n_head",
                                         "head_dim",
                                         "num_key_value_heads",
                                         "intermediate_size",
                                         "n_inner",
                                         "vocab_size",
                                         "num_hidden_layers",
                                         "n_positions"};
  for (const std::string& a : keys) {
    for (const std::string& b : keys) {
      if (a >= b) continue;
      for (const uint32_t x : {0u, 1u, 3u, 65536u, 3043264076u, UINT32_MAX}) {
        for (const uint32_t y : {0u, 1u, 65536u, 2020499877u, UINT32_MAX}) {
          json damaged = config_;
          damaged[a] = x;
          damaged[b] = y;
          ExpectPlanOrError(damaged);
        }
      }
    }
  }
}

// The same inside of the rotary settings.
TEST_P(ConfigDamageTest, EveryRotaryValue) {
  const json scaling = {{"rope_type", "llama3"},
                        {"rope_theta", 10000.0},
                        {"factor", 8.0},
                        {"low_freq_factor", 1.0},
                        {"high_freq_factor", 4.0},
                        {"partial_rotary_factor", 0.5},
                        {"original_max_position_embeddings", 8192}};
  for (const char* type : {"llama3", "yarn", "linear", "longrope"}) {
    for (const auto& [key, given] : scaling.items()) {
      for (const json& value :
           {json(), json(0), json(-1), json(1e300), json(-1e300), json("x"),
            json::array({1}), json::object({{"a", 1}})}) {
        json damaged = config_;
        damaged["rope_scaling"] = scaling;
        damaged["rope_scaling"]["rope_type"] = type;
        damaged["rope_scaling"][key] = value;
        ExpectPlanOrError(damaged);
      }
    }
  }
}

// Two sizes at once: their products go over all limits, or fit by chance.
TEST_P(ConfigDamageTest, PairsOfSizes) {
  std::vector<std::string> sizes;
  for (const auto& [key, value] : config_.items()) {
    if (value.is_number_unsigned()) sizes.push_back(key);
  }
  for (const std::string& one : sizes) {
    for (const std::string& other : sizes) {
      if (one >= other) continue;
      for (const uint64_t value :
           {uint64_t{1}, uint64_t{3}, uint64_t{1} << 16, uint64_t{1} << 31}) {
        json damaged = config_;
        damaged[one] = value;
        damaged[other] = (uint64_t{1} << 32) / (value + 1);
        ExpectPlanOrError(damaged);
      }
    }
  }
}

// One checkpoint of each class of architectures that one is made of.
std::vector<std::string> OneOfEachClass() {
  std::vector<std::string> names;
  std::set<std::string> classes;
  for (const std::string& name : testdata::Checkpoints()) {
    const auto config = base::ReadJsonFile(
        absl::StrCat(testdata::CheckpointDirectory(name), "/config.json"));
    if (config.ok() &&
        classes.insert((*config)["architectures"].dump()).second) {
      names.push_back(name);
    }
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, ConfigDamageTest,
                         testing::ValuesIn(OneOfEachClass()),
                         [](const auto& info) {
                           return testdata::TestName(info.param);
                         });

TEST(DamagedArchitecturesTest, EveryArchitectureIsDamaged) {
  std::set<std::string> damaged;
  for (const std::string& name : OneOfEachClass()) {
    const auto config = base::ReadJsonFile(
        absl::StrCat(testdata::CheckpointDirectory(name), "/config.json"));
    damaged.insert(std::string((*FindArchitecture(*config, ""))->name));
  }
  for (const Architecture* architecture : AllArchitectures()) {
    EXPECT_TRUE(damaged.contains(std::string(architecture->name)))
        << architecture->name << " has no checkpoint in testdata";
  }
}

}  // namespace
}  // namespace converters
