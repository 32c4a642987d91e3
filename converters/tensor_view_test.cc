#include "converters/tensor_view.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/gather.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

using ::testing::ElementsAre;
using ::testing::Le;

std::vector<uint64_t> Origins(const TensorView& view) {
  std::vector<uint64_t> origins(view.elements);
  for (uint64_t i = 0; i < view.elements; ++i) origins[i] = view.Origin(i);
  return origins;
}

// Runs are consecutive in the source, and as long as they can be within the
// fewest dimensions.
void ExpectRunsAreMaximal(const TensorView& view) {
  const std::vector<uint64_t> origins = Origins(view);
  for (uint64_t i = 0; i < origins.size();) {
    const uint64_t run = view.RunLength(i);
    ASSERT_GE(run, 1u);
    ASSERT_LE(i + run, origins.size());
    for (uint64_t k = 1; k < run; ++k) {
      ASSERT_EQ(origins[i + k], origins[i] + k);
      ASSERT_EQ(view.RunLength(i + k), run - k);
    }
    i += run;
    if (i < origins.size()) {
      EXPECT_NE(origins[i], origins[i - 1] + 1);
    }
  }
}

TEST(TensorViewTest, SwapTransposes) {
  const TensorView view = TensorView::Of(3, {2, 3}).Swap(0, 1);
  EXPECT_EQ(view.source, 3u);
  EXPECT_THAT(view.shape, ElementsAre(3, 2));
  EXPECT_THAT(Origins(view), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(Origins(view.Swap(0, 1)), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(view.Swap(0, 1).RunLength(0), 6u);
}

TEST(TensorViewTest, SliceTakesIndicesOfAnAxis) {
  const TensorView all = TensorView::Of(0, {4, 3});
  EXPECT_THAT(Origins(all.Slice(0, 1, 2)), ElementsAre(3, 4, 5, 6, 7, 8));
  EXPECT_THAT(Origins(all.Slice(1, 2, 1)), ElementsAre(2, 5, 8, 11));
  EXPECT_THAT(Origins(all.Slice(0, 1, 2, 2)), ElementsAre(3, 4, 5, 9, 10, 11));
  EXPECT_THAT(all.Slice(0, 1, 2, 2).shape, ElementsAre(2, 3));
  EXPECT_THAT(Origins(all.Slice(0, 1, 2).Slice(0, 1, 1).Slice(1, 0, 2)),
              ElementsAre(6, 7));
}

// DeepSeek's keys: of each head the first rows, turned round.
TEST(TensorViewTest, OperationsCombine) {
  const TensorView keys = TensorView::Of(0, {2 * 5, 3})
                              .Reshape({2, 5, 3})
                              .Slice(1, 0, 2)
                              .Swap(1, 2);
  EXPECT_THAT(keys.shape, ElementsAre(2, 3, 2));
  EXPECT_THAT(Origins(keys),
              ElementsAre(0, 3, 1, 4, 2, 5, 15, 18, 16, 19, 17, 20));
}

TEST(TensorViewTest, RotaryInterleavesTheHalvesOfAHead) {
  const TensorView bias = TensorView::Of(0, {12}).Rotary(2);
  EXPECT_THAT(bias.shape, ElementsAre(12));
  EXPECT_THAT(Origins(bias), ElementsAre(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11));
  EXPECT_EQ(bias.RunLength(0), 1u);
  const TensorView rows = TensorView::Of(0, {4, 2}).Rotary(1);
  EXPECT_THAT(rows.shape, ElementsAre(4, 2));
  EXPECT_THAT(Origins(rows), ElementsAre(0, 1, 4, 5, 2, 3, 6, 7));
  ExpectRunsAreMaximal(rows);
}

TEST(TensorViewTest, GroupedTakesPartOfEachGroup) {
  const TensorView queries = TensorView::Of(0, {10, 2}).Grouped(2, 0, 3);
  EXPECT_THAT(queries.shape, ElementsAre(6, 2));
  EXPECT_THAT(Origins(queries),
              ElementsAre(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15));
  EXPECT_EQ(queries.RunLength(0), 6u);
  EXPECT_EQ(queries.RunLength(4), 2u);
  ExpectRunsAreMaximal(queries);
}

TEST(TensorViewTest, ReshapeDividesAndJoinsPermutedAxes) {
  const TensorView view =
      TensorView::Of(0, {2, 3, 4}).Swap(0, 1).Reshape({6, 2, 2});
  EXPECT_TRUE(view.fits());
  EXPECT_EQ(view.Origin(4), 12u);
  EXPECT_EQ(view.Reshape({24}).Slice(0, 3, 1).fits(), false);
  EXPECT_EQ(view.Reshape({3, 8}).Swap(0, 1).fits(), true);
  // Index 2 of the first axis would begin in the middle of a dimension of 3.
  EXPECT_FALSE(TensorView::Of(0, {2, 3}).Swap(0, 1).Reshape({2, 3}).fits());
}

TEST(TensorViewTest, WhatCannotBeDoesNotFit) {
  const TensorView all = TensorView::Of(0, {4, 3});
  EXPECT_TRUE(all.fits());
  EXPECT_FALSE(all.Reshape({5, 3}).fits());
  EXPECT_FALSE(all.Reshape({0, 3}).fits());
  EXPECT_FALSE(all.Slice(0, 4, 1).fits());
  EXPECT_FALSE(all.Slice(0, 3, 2).fits());
  EXPECT_FALSE(all.Slice(0, 0, 0).fits());
  EXPECT_FALSE(all.Slice(0, 1, ~uint64_t{0}).fits());
  EXPECT_FALSE(all.Slice(2, 0, 1).fits());
  EXPECT_FALSE(all.Swap(0, 2).fits());
  EXPECT_FALSE(all.Rotary(4).fits());  // heads of one row
  EXPECT_FALSE(all.Rotary(3).fits());
  EXPECT_FALSE(all.Rotary(0).fits());
  EXPECT_FALSE(all.Grouped(3, 0, 1).fits());
  EXPECT_FALSE(all.Slice(0, 4, 1).Reshape({1}).Swap(0, 0).fits());
  EXPECT_FALSE(TensorView::Of(0, {4, 0}).fits());
  const uint64_t large = uint64_t{1} << 33;
  EXPECT_FALSE(TensorView::Of(0, {large, large}).fits());
  // 4 modulo 2^64.
  EXPECT_FALSE(TensorView::Of(0, {4}).Reshape({large, large, 4}).fits());
}

TEST(TensorViewTest, ExtentsOfOneAreNoDimensions) {
  const TensorView view = TensorView::Of(0, {1, 4, 1}).Reshape({4});
  EXPECT_EQ(view.dims.size(), 1u);
  EXPECT_EQ(TensorView::Of(0, {1, 1}).dims.size(), 0u);
  EXPECT_EQ(TensorView::Of(0, {1, 1}).Origin(0), 0u);
  EXPECT_EQ(TensorView::Of(0, {3, 1}).Slice(0, 2, 1).Origin(0), 2u);
}

// Any view, made of four operations.
TensorView RandomView(std::mt19937& random) {
  const auto below = [&random](uint64_t n) { return random() % n; };
  TensorView view = TensorView::Of(0, {2 + below(4), 2 + below(40), 6, 64});
  for (int i = 0; i < 4; ++i) {
    TensorView next = view;
    const size_t axis = below(view.shape.size());
    switch (below(4)) {
      case 0:
        next = view.Swap(axis, below(view.shape.size()));
        break;
      case 1:
        next = view.Slice(axis, below(view.shape[axis]),
                          1 + below(view.shape[axis]), 1 + below(2));
        break;
      case 2:
        next = view.Rotary(1 + below(4));
        break;
      default:
        next = view.Reshape({view.shape[0], view.elements / view.shape[0]});
        break;
    }
    if (next.fits()) view = next;
  }
  return view;
}

TEST(TensorViewTest, BoundsHoldEveryElement) {
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    const TensorView view = RandomView(random);
    const uint64_t first = random() % view.elements;
    const uint64_t count =
        1 + random() % std::min<uint64_t>(200, view.elements - first);
    const auto [begin, size] = view.Bounds(first, count);
    for (uint64_t k = first; k < first + count; ++k) {
      ASSERT_GE(view.Origin(k), begin);
      ASSERT_LT(view.Origin(k), begin + size);
    }
  }
}

// A source whose element i is the number i.
struct Numbers {
  absl::Status Read(uint64_t first, absl::Span<float> out) {
    std::iota(out.begin(), out.end(), static_cast<float>(first));
    ++reads;
    elements += out.size();
    return absl::OkStatus();
  }
  uint64_t reads = 0, elements = 0;
};

std::vector<float> Gathered(const TensorView& view, uint64_t first,
                            uint64_t count, Numbers& source) {
  std::vector<float> out(count);
  EXPECT_TRUE(Gather(view.offset, view.dims, first, absl::MakeSpan(out),
                     [&source](uint64_t begin, absl::Span<float> run) {
                       return source.Read(begin, run);
                     })
                  .ok());
  return out;
}

TEST(GatherTest, AnyPartOfAnyView) {
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) {
    const TensorView view = RandomView(random);
    const uint64_t first = random() % view.elements;
    const uint64_t count = 1 + random() % (view.elements - first);
    Numbers source;
    const std::vector<float> out = Gathered(view, first, count, source);
    for (uint64_t k = 0; k < count; ++k) {
      ASSERT_EQ(out[k], view.Origin(first + k)) << "element " << first + k;
    }
  }
}

TEST(GatherTest, LongRunsAreReadAlone) {
  Numbers source;
  const TensorView rows = TensorView::Of(0, {8, 4096}).Slice(0, 1, 4, 2);
  Gathered(rows, 0, rows.elements, source);
  EXPECT_EQ(source.reads, 4u);
  EXPECT_EQ(source.elements, rows.elements);
}

TEST(GatherTest, WhatLiesNearIsReadAtOnce) {
  Numbers source;
  const TensorView head = TensorView::Of(0, {64, 16}).Rotary(1);
  Gathered(head, 0, head.elements, source);
  EXPECT_EQ(source.reads, 1u);
  EXPECT_EQ(source.elements, head.elements);
}

// 1000 x 5000, transposed: 200 rows of the result take one read of 200
// elements from each row of the source.
TEST(GatherTest, TransposedMatricesAreReadInPiecesOfRows) {
  Numbers source;
  const TensorView view = TensorView::Of(0, {1000, 5000}).Swap(0, 1);
  const std::vector<float> out = Gathered(view, 0, 200 * 1000, source);
  EXPECT_EQ(source.reads, 1000u);
  EXPECT_EQ(source.elements, 200u * 1000u);
  EXPECT_EQ(out[1], 5000.0f);
  EXPECT_EQ(out[1000], 1.0f);
}

TEST(GatherTest, ErrorsEndIt) {
  const TensorView view = TensorView::Of(0, {100, 5000}).Swap(0, 1);
  std::vector<float> out(view.elements);
  int reads = 0;
  const absl::Status status = Gather(
      view.offset, view.dims, 0, absl::MakeSpan(out),
      [&reads](uint64_t, absl::Span<float>) -> absl::Status {
        return ++reads < 7 ? absl::OkStatus() : absl::DataLossError("gone");
      });
  EXPECT_EQ(status, absl::DataLossError("gone"));
  EXPECT_THAT(reads, Le(7));
}

}  // namespace
}  // namespace converters
