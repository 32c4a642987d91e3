#include "tools/float_check.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/fake_source.h"

namespace make_gguf {
namespace {

using ::testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(FloatCheckTest, OrdersMagnitudes) {
  EXPECT_EQ(LargestMagnitude({}), 0u);
  EXPECT_EQ(LargestMagnitude({0.5f, -2.0f, 1.0f}),
            std::bit_cast<uint32_t>(2.0f));
  EXPECT_EQ(LargestMagnitude({1e38f, -kInfinity}), kInfinityBits);
  EXPECT_GT(LargestMagnitude({kInfinity, -kNan}), kInfinityBits);
}

TEST(FloatCheckTest, F16LimitIsWhereRoundingGivesInfinity) {
  EXPECT_LT(LargestMagnitude({65519.996f}), kF16OverflowBits);
  EXPECT_GE(LargestMagnitude({-65520.0f}), kF16OverflowBits);
}

TEST(FloatCheckTest, NamesFileTensorRowAndColumn) {
  FakeSource source;
  std::vector<float> values(12, 1.0f);
  values[7] = kNan;
  source.Add("model.layers.0.w", {3, 4}, values);
  converters::TensorPlan plan;
  plan.name = "blk.0.w";
  plan.shape = {4, 3};
  plan.row_size = 4;
  // Rows in the order 2, 1, 0.
  plan.segments = {{0, {2, {{1, 1}}}}, {0, {1, {{1, 1}}}}, {0, {0, {{1, 1}}}}};
  const std::vector<float> tile = {1, 1, 1, kNan};
  const absl::Status status =
      DescribeBadWeight(plan, source, 4, tile, kInfinityBits);
  EXPECT_THAT(status.message(), HasSubstr("fake.safetensors"));
  EXPECT_THAT(status.message(), HasSubstr("model.layers.0.w"));
  EXPECT_THAT(status.message(), HasSubstr("row 1, column 3"));
  EXPECT_THAT(status.message(), HasSubstr("NaN"));
}

}  // namespace
}  // namespace make_gguf
