#include "converters/model_plan.h"

#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

using ::testing::ElementsAre;

std::vector<uint64_t> SourceRows(const RowMap& map) {
  std::vector<uint64_t> rows;
  for (uint64_t row = 0; row < map.rows(); ++row) {
    rows.push_back(map.SourceRow(row));
  }
  return rows;
}

// RunLength promises that the next rows are consecutive, and its runs should
// be as long as they can be.
void ExpectRunsAreMaximal(const RowMap& map) {
  const std::vector<uint64_t> rows = SourceRows(map);
  for (uint64_t row = 0; row < rows.size(); ++row) {
    const uint64_t run = map.RunLength(row);
    ASSERT_GE(run, 1u);
    ASSERT_LE(row + run, rows.size());
    for (uint64_t i = 1; i < run; ++i) {
      ASSERT_EQ(rows[row + i], rows[row] + i);
    }
  }
}

TEST(RowMapTest, WithoutDigitsIsOneRow) {
  const RowMap map{.first = 7, .digits = {}};
  EXPECT_THAT(SourceRows(map), ElementsAre(7));
  EXPECT_EQ(map.RunLength(0), 1u);
}

TEST(RowMapTest, ConsecutiveRowsAreOneRun) {
  const RowMap map{.first = 3, .digits = {{5, 1}}};
  EXPECT_THAT(SourceRows(map), ElementsAre(3, 4, 5, 6, 7));
  EXPECT_EQ(map.RunLength(0), 5u);
  EXPECT_EQ(map.RunLength(3), 2u);
}

TEST(RowMapTest, RotaryPermutationInterleavesTheHalvesOfAHead) {
  const RowMap map{.first = 0, .digits = {{2, 6}, {3, 1}, {2, 3}}};
  EXPECT_THAT(SourceRows(map),
              ElementsAre(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11));
  ExpectRunsAreMaximal(map);
  EXPECT_EQ(map.RunLength(0), 1u);
}

TEST(RowMapTest, GroupsOfRowsRunToTheEndOfTheGroup) {
  // The queries of a fused layout: 2 groups of 5 heads of 3 rows, of which the
  // first 3 heads are queries.
  const RowMap map{.first = 0, .digits = {{2, 15}, {3, 3}, {3, 1}}};
  EXPECT_EQ(map.rows(), 18u);
  EXPECT_EQ(map.RunLength(0), 9u);
  EXPECT_EQ(map.RunLength(4), 5u);
  EXPECT_EQ(map.RunLength(9), 9u);
  EXPECT_EQ(map.SourceRow(8), 8u);
  EXPECT_EQ(map.SourceRow(9), 15u);
  ExpectRunsAreMaximal(map);
}

TEST(RowMapTest, DigitsThatContinueEachOtherAreOneRun) {
  const RowMap map{.first = 4, .digits = {{2, 6}, {1, 99}, {3, 2}, {2, 1}}};
  EXPECT_EQ(map.RunLength(0), 12u);
  EXPECT_EQ(map.RunLength(11), 1u);
  ExpectRunsAreMaximal(map);
}

TEST(TensorPlanTest, ElementsIsTheProductOfTheShape) {
  TensorPlan plan;
  plan.shape = {256, 3, 2};
  EXPECT_EQ(plan.elements(), 1536u);
}

}  // namespace
}  // namespace converters
