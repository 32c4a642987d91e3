#include "quant/quantize.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "gguf/tensor_type.h"
#include "gtest/gtest.h"
#include "hwy/highway.h"
#include "quant/f16.h"
#include "quant/testing/test_data.h"

namespace quant {
namespace {

using gguf::TensorType;

TEST(CanQuantizeTest, KnowsItsTypes) {
  EXPECT_TRUE(CanQuantize(TensorType::kQ4_K));
  EXPECT_TRUE(CanDequantize(TensorType::kQ4_K));
  EXPECT_TRUE(CanQuantize(TensorType::kNVFP4));
  EXPECT_FALSE(CanQuantize(TensorType::kI32));
  EXPECT_FALSE(CanDequantize(TensorType::kIQ1_S));
}

TEST(QuantizeRowsTest, WritesQ80ByHand) {
  std::vector<float> row(32, 0.0f);
  row[0] = 127.0f;
  row[1] = -127.0f;
  row[2] = 0.5f;  // half way: away from zero
  row[3] = -2.5f;
  row[4] = 1.49f;
  std::vector<uint8_t> out(34);
  QuantizeRows(TensorType::kQ8_0, row, 32, {}, absl::MakeSpan(out));
  const std::vector<uint8_t> start = {0x00, 0x3C, 127, 129, 1, 253, 1, 0};
  EXPECT_EQ(std::vector<uint8_t>(out.begin(), out.begin() + 8), start);
}

TEST(QuantizeRowsTest, TakesNoRows) {
  QuantizeRows(TensorType::kQ4_K, {}, 256, {}, {});
  DequantizeRows(TensorType::kQ4_K, {}, 256, {});
}

TEST(QuantizeRowsDeathTest, EndsTheProcessWhereSizesDoNotFit) {
  std::vector<float> rows(512);
  std::vector<uint8_t> out(288);
  const auto span = absl::MakeSpan(out);
  EXPECT_DEATH(QuantizeRows(TensorType::kI8, rows, 256, {}, span), "kernel");
  EXPECT_DEATH(QuantizeRows(TensorType::kQ4_K, rows, 128, {}, span),
               "block size");
  EXPECT_DEATH(
      QuantizeRows(TensorType::kQ4_K, rows, 256, {}, span.subspan(0, 144)),
      "number of rows");
  EXPECT_DEATH(QuantizeRows(TensorType::kQ4_K, rows, 256, {1.0f, 2.0f}, span),
               "importance");
}

// All halves come back from their floats, on every target.
TEST(F16Test, EveryHalfSurvives) {
  std::vector<uint8_t> halves;
  for (uint32_t half = 0; half < 0x10000; ++half) {
    if ((half & 0x7FFF) > 0x7C00) continue;  // NaN
    halves.push_back(static_cast<uint8_t>(half));
    halves.push_back(static_cast<uint8_t>(half >> 8));
  }
  const size_t count = halves.size() / 2;
  for (int64_t target : RunnableTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    std::vector<float> floats(count);
    DequantizeRows(TensorType::kF16, halves, count, absl::MakeSpan(floats));
    for (size_t i = 0; i < count; ++i) {
      uint16_t half;
      std::memcpy(&half, &halves[2 * i], sizeof(half));
      ASSERT_EQ(BitsOf(floats[i]), BitsOf(F32FromF16(half))) << half;
    }
    std::vector<uint8_t> back(halves.size());
    QuantizeRows(TensorType::kF16, floats, count, {}, absl::MakeSpan(back));
    ASSERT_EQ(back, halves);
  }
  hwy::SetSupportedTargetsForTest(0);
}

struct Rounding {
  float from;
  float to;
};

TEST(RoundToF16Test, RoundsToNearestEven) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Rounding cases[] = {
      {0.0f, 0.0f},
      {-0.0f, -0.0f},
      {1.0f, 1.0f},
      {1.0f + 0x1.0p-11f, 1.0f},              // tie to even
      {1.0f + 0x1.8p-10f, 1.0f + 0x1.0p-9f},  // tie to even, up
      {1.0f + 0x1.002p-11f, 1.0f + 0x1.0p-10f},
      {65504.0f, 65504.0f},
      {65519.0f, 65504.0f},
      {65520.0f, kInfinity},
      {-70000.0f, -kInfinity},
      {0x1.0p-24f, 0x1.0p-24f},
      {0x1.0p-25f, 0.0f},  // tie to even
      {-0x1.8p-25f, -0x1.0p-24f},
      {0x1.ff8p-15f, 0x1.ff8p-15f},  // subnormal, exact
      {0x1.0p-140f, 0.0f},
  };
  for (int64_t target : RunnableTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    for (const Rounding& c : cases) {
      // One element and a vector's worth of them take different paths.
      for (size_t count : {1, 67}) {
        std::vector<float> values(count, c.from);
        RoundToF16(absl::MakeSpan(values));
        EXPECT_EQ(BitsOf(values.front()), BitsOf(c.to))
            << hwy::TargetName(target) << ' ' << c.from;
        EXPECT_EQ(BitsOf(values.back()), BitsOf(c.to))
            << hwy::TargetName(target) << ' ' << c.from;
      }
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST(FindNotBelowTest, FindsTheFirst) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (int64_t target : RunnableTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    std::vector<float> values(300, -std::numeric_limits<float>::max());
    EXPECT_EQ(FindNotBelow(infinity, values), std::nullopt);
    EXPECT_EQ(FindNotBelow(infinity, {}), std::nullopt);
    EXPECT_EQ(FindNotBelow(1.0f, values), 0);
    for (size_t at : {299, 298, 256, 64, 63, 1, 0}) {
      values[at] = at % 2 == 0 ? -infinity : nan;
      EXPECT_EQ(FindNotBelow(infinity, values), at);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST(FindNotBelowTest, F16OverflowsWhereRoundingGivesInfinity) {
  const float largest = std::nextafter(kF16Overflow, 0.0f);
  EXPECT_EQ(FindNotBelow(kF16Overflow, {largest, -largest, -kF16Overflow}), 2);
  float rounded[] = {largest, kF16Overflow};
  RoundToF16(rounded);
  EXPECT_EQ(rounded[0], 65504.0f);
  EXPECT_EQ(rounded[1], std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace quant
