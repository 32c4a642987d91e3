#include "converters/rope_factors.h"

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "converters/config/config.h"
#include "converters/fake_source.h"
#include "converters/model_plan.h"
#include "converters/tensors.h"
#include "converters/warning.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

std::vector<uint32_t> Bits(const std::vector<float>& values) {
  std::vector<uint32_t> bits;
  for (const float value : values)
    bits.push_back(std::bit_cast<uint32_t>(value));
  return bits;
}

// The passage between the two ends, as PyTorch 2.14 computed it.
TEST(RopeFactorsTest, Llama31) {
  const std::vector<uint32_t> bits =
      Bits(Llama3Factors({.theta = 500000.0}, 64));
  ASSERT_EQ(bits.size(), 32u);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(bits[i], 0x3f800000u) << i;
  EXPECT_EQ(bits[15], 0x3fc6d64au);
  EXPECT_EQ(bits[16], 0x402c732eu);
  EXPECT_EQ(bits[17], 0x40a83c06u);
  for (int i = 18; i < 32; ++i) EXPECT_EQ(bits[i], 0x41000000u) << i;
}

TEST(RopeFactorsTest, Llama32) {
  const std::vector<uint32_t> bits =
      Bits(Llama3Factors({.theta = 500000.0, .factor = 32.0}, 128));
  const std::vector<uint32_t> passage(bits.begin() + 29, bits.begin() + 36);
  EXPECT_EQ(passage, (std::vector<uint32_t>{0x3f9e126b, 0x3fd35ec2, 0x4011b4ca,
                                            0x4052b46f, 0x40a57db9, 0x411aaaee,
                                            0x42000000}));
}

// Head sizes above and below whole vectors, and many bases: one FNV-1a hash of
// what PyTorch gave for all of them.
TEST(RopeFactorsTest, EveryBitOfManyConfigurations) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const double theta :
       {10000.0, 100000.0, 500000.0, 1000000.0, 5000000.0}) {
    for (uint32_t size = 16; size < 322; size += 6) {
      for (const double factor : {2.0, 8.0, 32.0}) {
        for (uint32_t bits :
             Bits(Llama3Factors({.theta = theta, .factor = factor}, size))) {
          for (int i = 0; i < 4; ++i, bits >>= 8) {
            hash = (hash ^ (bits & 0xff)) * 0x100000001b3;
          }
        }
      }
    }
  }
  EXPECT_EQ(hash, 0xcb39dfe01bdf4207u);
}

TEST(RopeFactorsTest, LongFactorsAreTwoTensorsInFront) {
  FakeSource source;
  source.Add("a.weight", {2});
  const auto plan = [&](const nlohmann::json& rope,
                        uint64_t rotated) -> std::vector<std::string> {
    const absl::StatusOr<Config> config =
        Config::Make({{"rope_scaling", rope}}, {});
    EXPECT_TRUE(config.ok()) << config.status();
    Tensors tensors(source);
    tensors.Vector("a", "a", 2);
    if (!AddLongRopeFactors(*config, rotated, tensors).ok()) return {"error"};
    std::vector<Warning> warnings;
    const auto plans = tensors.Plan("toy", warnings);
    EXPECT_TRUE(plans.ok()) << plans.status();
    std::vector<std::string> names;
    for (const TensorPlan& tensor : *plans) names.push_back(tensor.name);
    return names;
  };
  const nlohmann::json both = {{"long_factor", {1, 2.5}},
                               {"short_factor", {1.0, 1.5}}};
  EXPECT_EQ(plan(both, 4), (std::vector<std::string>{
                               "rope_factors_long.weight",
                               "rope_factors_short.weight", "a.weight"}));
  EXPECT_EQ(plan({{"factor", 2}}, 4), (std::vector<std::string>{"a.weight"}));
  EXPECT_EQ(plan(both, 5), (std::vector<std::string>{"error"}));
  EXPECT_EQ(plan({{"long_factor", {1, 2}}}, 4),
            (std::vector<std::string>{"error"}));
}

}  // namespace
}  // namespace converters
