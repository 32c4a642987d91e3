#include "converters/config/config.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

Config Make(const json& raw) {
  absl::StatusOr<Config> config = Config::Make(raw, {});
  EXPECT_TRUE(config.ok()) << config.status();
  return *std::move(config);
}

template <typename T>
std::string Message(const absl::StatusOr<T>& value) {
  EXPECT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(value.status().message());
}

TEST(ConfigTest, TheFirstSpellingWithAValueCounts) {
  const Config config = Make({{"a", nullptr}, {"b", 2}, {"c", 3}});
  EXPECT_EQ(*config.Uint({"a", "b", "c"}), 2u);
  EXPECT_EQ(*config.OptionalUint({"a", "x"}), std::nullopt);
  EXPECT_EQ(*config.UintOr({"x"}, 7), 7u);
  EXPECT_EQ(*config.UintOr({"c"}, 7), 3u);
}

TEST(ConfigTest, ErrorsNameKeyFoundAndExpected) {
  const Config config = Make({{"size", "256"},
                              {"neg", -1},
                              {"big", 4294967296},
                              {"half", 0.5},
                              {"zero", 0},
                              {"list", {1, 2}}});
  EXPECT_THAT(Message(config.Uint({"size"})),
              HasSubstr("config.json: size is \"256\", expected a whole "
                        "number"));
  EXPECT_THAT(Message(config.Uint({"other", "neg"})), HasSubstr("neg is -1"));
  EXPECT_THAT(Message(config.Uint({"big"})), HasSubstr("big is 4294967296"));
  EXPECT_THAT(Message(config.OptionalUint({"half"})), HasSubstr("0.5"));
  EXPECT_THAT(Message(config.PositiveUint({"zero"})), HasSubstr("zero is 0"));
  EXPECT_THAT(Message(config.Number({"list"})), HasSubstr("list is [1,2]"));
  EXPECT_THAT(Message(config.BoolOr({"zero"}, true)),
              HasSubstr("true or false"));
  EXPECT_EQ(Message(config.Uint({"layers", "n_layer"})),
            "config.json: layers is missing (nor is there n_layer)");
}

TEST(ConfigTest, WholeNumbersMayBeWrittenAsFloats) {
  const Config config = Make({{"a", 128.0},
                              {"b", -1.0},
                              {"c", 1e300},
                              {"d", std::numeric_limits<double>::infinity()}});
  EXPECT_EQ(*config.Uint({"a"}), 128u);
  EXPECT_THAT(Message(config.Uint({"b"})), HasSubstr("b is -1.0"));
  EXPECT_THAT(Message(config.Uint({"c"})), HasSubstr("c is 1e+300"));
  EXPECT_THAT(Message(config.Uint({"d"})), HasSubstr("d is inf"));
  EXPECT_THAT(Message(config.Number({"d"})), HasSubstr("a finite number"));
}

TEST(ConfigTest, Lists) {
  const Config config = Make({{"n", {1, 2}},
                              {"s", {"a", "b"}},
                              {"f", {0.5, 1}},
                              {"mixed", {1, "a"}},
                              {"one", 3}});
  EXPECT_EQ(*config.Uints({"n"}), (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(*config.Texts({"s"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*config.Numbers({"f"}), (std::vector<double>{0.5, 1}));
  EXPECT_TRUE(config.Uints({"none"})->empty());
  EXPECT_THAT(Message(config.Uints({"mixed"})),
              HasSubstr("mixed is [1,\"a\"], expected a list of whole"));
  EXPECT_THAT(Message(config.Texts({"one"})), HasSubstr("a list of strings"));
  EXPECT_EQ(*config.UintPerBlock({"n"}, 2), (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(*config.UintPerBlock({"one"}, 2), (std::vector<uint32_t>{3, 3}));
  EXPECT_THAT(Message(config.UintPerBlock({"n"}, 3)),
              HasSubstr("n has 2 values, expected one for each of 3 blocks"));
}

TEST(ConfigTest, LongValuesAreCut) {
  const Config config = Make({{"a", std::string(1000, 'x')}});
  EXPECT_LT(Message(config.Uint({"a"})).size(), 200u);
}

TEST(ConfigTest, KeysOfTextConfigMoveUp) {
  const Config config = Make(
      {{"hidden_size", 1}, {"text_config", {{"hidden_size", 2}, {"x", 3}}}});
  EXPECT_EQ(*config.Uint({"hidden_size"}), 2u);
  EXPECT_EQ(*config.Uint({"x"}), 3u);
}

TEST(ConfigTest, AnythingButAnObjectIsAnError) {
  EXPECT_FALSE(Config::Make(json::array(), {}).ok());
  EXPECT_FALSE(Config::Make("llama", {}).ok());
}

// Configs of unknown model types have their rotary settings in several places.
TEST(ConfigTest, RopeCollectsItsSettings) {
  const Config rope =
      Make({{"rope_theta", 5000.0},
            {"rotary_pct", 0.5},
            {"original_max_position_embeddings", 512},
            {"rope_scaling", {{"type", "yarn"}, {"factor", 2}}}})
          .Rope();
  EXPECT_EQ(*rope.Number({"rope_theta"}), 5000.0);
  EXPECT_EQ(*rope.Find({"rope_type"}), "yarn");
  EXPECT_EQ(*rope.Number({"factor"}), 2.0);
  EXPECT_EQ(*rope.Number({"partial_rotary_factor"}), 0.5);
  EXPECT_EQ(*rope.Uint({"original_max_position_embeddings"}), 512u);
  EXPECT_THAT(Message(rope.Number({"nothing"})),
              HasSubstr("config.json: rope_parameters: nothing is missing"));
}

TEST(ConfigTest, RopeOfKindsOfLayers) {
  const Config both = Make({{"rope_parameters",
                             {{"full_attention", {{"rope_theta", 1e6}}},
                              {"sliding_attention", {{"rope_theta", 1e4}}}}}});
  EXPECT_EQ(*both.Rope().Number({"rope_theta"}), 1e6);
  EXPECT_EQ(*both.RopeOf("sliding_attention").Number({"rope_theta"}), 1e4);
  const Config old = Make({{"rope_theta", 1e6}, {"rope_local_base_freq", 1e4}});
  EXPECT_EQ(*old.Rope().Number({"rope_theta"}), 1e6);
  EXPECT_EQ(*old.RopeOf("sliding_attention").Number({"rope_theta"}), 1e4);
  EXPECT_FALSE(old.RopeOf("full_attention").Has({"rope_theta"}));
}

}  // namespace
}  // namespace converters
