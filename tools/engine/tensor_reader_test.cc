#include "tools/engine/tensor_reader.h"

#include <cstdint>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/engine/testing/fake_source.h"

namespace make_gguf {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

std::vector<float> Iota(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

std::vector<float> ReadAll(TensorReader& reader,
                           const converters::TensorPlan& plan, size_t step) {
  std::vector<float> out(plan.elements());
  for (size_t first = 0; first < out.size(); first += step) {
    const auto piece = absl::MakeSpan(out).subspan(first, step);
    EXPECT_TRUE(reader.Read(plan, first, piece).ok());
  }
  return out;
}

// Two heads of 4 rows, two columns: within a head the first half's rows and
// the second half's take turns.
converters::TensorPlan Rotary() {
  converters::TensorPlan plan;
  plan.name = "blk.0.attn_q.weight";
  plan.shape = {2, 8};
  plan.row_size = 2;
  plan.segments = {{0, {0, {{2, 4}, {2, 1}, {2, 2}}}}};
  return plan;
}

TEST(TensorReaderTest, FollowsRotaryPermutationForEveryStep) {
  FakeSource source;
  source.Add("q", {8, 2}, Iota(16));
  TensorReader reader(source);
  const std::vector<float> expected = {0, 1, 4,  5,  2,  3,  6,  7,
                                       8, 9, 12, 13, 10, 11, 14, 15};
  for (size_t step = 1; step <= 16; ++step) {
    EXPECT_THAT(ReadAll(reader, Rotary(), step), ElementsAreArray(expected))
        << "step " << step;
  }
}

TEST(TensorReaderTest, ReadsAShuffledHeadAtOnce) {
  FakeSource source;
  source.Add("q", {8, 2}, Iota(16));
  TensorReader reader(source);
  ReadAll(reader, Rotary(), 8);
  EXPECT_EQ(source.reads(), 2);
  EXPECT_EQ(source.values_read(), 16);
}

TEST(TensorReaderTest, ReadsOnlyTheRowsOfASparseMap) {
  FakeSource source;
  source.Add("qkv", {9, 1}, Iota(9));
  converters::TensorPlan plan;
  plan.shape = {3};
  plan.row_size = 1;
  plan.segments = {{0, {1, {{3, 3}}}}};
  TensorReader reader(source);
  EXPECT_THAT(ReadAll(reader, plan, 3), ElementsAre(1, 4, 7));
  EXPECT_EQ(source.values_read(), 3);
}

TEST(TensorReaderTest, JoinsSegmentsAndDividesRows) {
  FakeSource source;
  source.Add("a", {2, 3}, Iota(6));
  source.Add("b", {1, 3}, {10, 11, 12});
  converters::TensorPlan plan;
  plan.shape = {3, 3};
  plan.row_size = 3;
  plan.segments = {{1, {0, {{1, 1}}}}, {0, {0, {{2, 1}}}}};
  TensorReader reader(source);
  for (size_t step = 1; step <= 9; ++step) {
    EXPECT_THAT(ReadAll(reader, plan, step),
                ElementsAre(10, 11, 12, 0, 1, 2, 3, 4, 5))
        << "step " << step;
  }
}

TEST(TensorReaderTest, CopiesComputedValues) {
  FakeSource source;
  converters::TensorPlan plan;
  plan.shape = {4};
  plan.values = {1, 2, 3, 4};
  TensorReader reader(source);
  EXPECT_THAT(ReadAll(reader, plan, 3), ElementsAre(1, 2, 3, 4));
}

TEST(PrefetchTest, AnnouncesRunsOrOneRangeOfShuffledRows) {
  using Range = FakeSource::Range;
  FakeSource source;
  source.Add("qkv", {9, 2}, Iota(18));
  converters::TensorPlan plan;
  plan.shape = {2, 6};
  plan.row_size = 2;
  // Rows 1, 2, 4, 5, 7, 8: in runs of two.
  plan.segments = {{0, {1, {{3, 3}, {2, 1}}}}};
  Prefetch(source, plan, 0, 12);
  EXPECT_THAT(source.announced(),
              ElementsAre(Range{0, 2, 4}, Range{0, 8, 4}, Range{0, 14, 4}));

  FakeSource shuffled;
  shuffled.Add("q", {8, 2}, Iota(16));
  Prefetch(shuffled, Rotary(), 0, 16);
  EXPECT_THAT(shuffled.announced(), ElementsAre(Range{0, 0, 16}));
}

TEST(PrefetchTest, AnnouncesPartsOfRowsAndAcrossSegments) {
  using Range = FakeSource::Range;
  FakeSource source;
  source.Add("a", {2, 3}, Iota(6));
  source.Add("b", {1, 3}, Iota(3));
  converters::TensorPlan plan;
  plan.shape = {3, 3};
  plan.row_size = 3;
  plan.segments = {{1, {0, {{1, 1}}}}, {0, {0, {{2, 1}}}}};
  Prefetch(source, plan, 1, 4);
  EXPECT_THAT(source.announced(), ElementsAre(Range{1, 1, 2}, Range{0, 0, 2}));
}

TEST(TensorReaderTest, FindsTheOriginOfEachElement) {
  FakeSource source;
  source.Add("q", {8, 2}, Iota(16));
  TensorReader reader(source);
  const converters::TensorPlan plan = Rotary();
  const std::vector<float> values = ReadAll(reader, plan, 16);
  for (uint64_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(OriginOf(plan, i).element, values[i]);
  }
}

}  // namespace
}  // namespace make_gguf
