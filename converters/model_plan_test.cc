#include "converters/model_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/tensor_source.h"
#include "converters/value_map.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

// Element i of tensor t is 100 t + i.
class Numbers : public TensorSource {
 public:
  using Range = std::tuple<size_t, uint64_t, uint64_t>;

  explicit Numbers(std::vector<std::vector<uint64_t>> shapes) {
    for (auto& shape : shapes) {
      SourceTensor tensor;
      tensor.shape = std::move(shape);
      tensors_.push_back(std::move(tensor));
    }
  }
  absl::Span<const SourceTensor> tensors() const override { return tensors_; }
  absl::Status Read(size_t tensor, uint64_t first,
                    absl::Span<float> out) const override {
    ++reads;
    std::iota(out.begin(), out.end(), static_cast<float>(100 * tensor + first));
    return absl::OkStatus();
  }
  void Prefetch(size_t tensor, uint64_t first, uint64_t count) const override {
    announced.emplace_back(tensor, first, count);
  }

  mutable uint64_t reads = 0;
  mutable std::vector<Range> announced;

 private:
  std::vector<SourceTensor> tensors_;
};

TensorPlan PlanOf(std::vector<uint64_t> shape, std::vector<TensorPart> parts) {
  TensorPlan plan;
  plan.name = "t";
  plan.shape = std::move(shape);
  plan.parts = std::move(parts);
  return plan;
}

// Read in pieces of every size.
void ExpectValues(const TensorSource& source, const TensorPlan& plan,
                  const std::vector<float>& expected) {
  ASSERT_EQ(plan.elements(), expected.size());
  for (size_t step = 1; step <= expected.size(); ++step) {
    std::vector<float> out(expected.size());
    for (size_t first = 0; first < out.size(); first += step) {
      EXPECT_TRUE(ReadTensor(source, plan, first,
                             absl::MakeSpan(out).subspan(first, step))
                      .ok());
    }
    EXPECT_THAT(out, ElementsAreArray(expected)) << "step " << step;
  }
}

TEST(ReadTensorTest, PartsFollowEachOther) {
  const Numbers source({{2, 3}, {1, 3}});
  const TensorPlan plan =
      PlanOf({3, 4}, {{TensorView::Of(1, {1, 3}), {}},
                      {TensorView::Zeros({1, 3}), {}},
                      {TensorView::Of(0, {2, 3}).Slice(0, 1, 1), {}},
                      {TensorView::Of(0, {2, 3}).Slice(0, 0, 1), {}}});
  ExpectValues(source, plan, {100, 101, 102, 0, 0, 0, 3, 4, 5, 0, 1, 2});
}

TEST(ReadTensorTest, MapsAreAppliedInTheirOrder) {
  const Numbers source(std::vector<std::vector<uint64_t>>{{2}});
  const TensorView view = TensorView::Of(0, {2});
  const TensorPlan plan =
      PlanOf({4}, {{view, {ValueMap::Scale(3), ValueMap::AddOne()}},
                   {view, {ValueMap::AddOne(), ValueMap::Scale(3)}}});
  ExpectValues(source, plan, {1, 4, 3, 6});
}

TEST(ReadTensorTest, ComputedValues) {
  TensorPlan plan = PlanOf({4}, {});
  plan.values = {1, 2, 3, 4};
  const Numbers source(std::vector<std::vector<uint64_t>>{});
  ExpectValues(source, plan, {1, 2, 3, 4});
  PrefetchTensor(source, plan, 0, 4);
  EXPECT_THAT(source.announced, IsEmpty());
}

TEST(TensorReaderTest, ReadsScatteredTensorsAtOnce) {
  const Numbers source({{500, 800}, {10, 20}});
  const TensorPlan plan =
      PlanOf({500, 800}, {{TensorView::Of(0, {500, 800}).Swap(0, 1), {}}});
  const TensorPlan rows = PlanOf({20, 10}, {{TensorView::Of(1, {10, 20}), {}}});
  TensorReader reader(source);
  std::vector<float> out(1000);
  for (uint64_t first = 0; first < plan.elements(); first += out.size()) {
    ASSERT_TRUE(
        reader.Read(plan, first, plan.elements(), absl::MakeSpan(out)).ok());
    for (uint64_t i = 0; i < out.size(); ++i) {
      ASSERT_EQ(out[i], plan.parts[0].view.Origin(first + i));
    }
  }
  EXPECT_LE(source.reads, 500 * 800 / 32768 + 1);
  // Another tensor, a step back, and an end that has been passed.
  ASSERT_TRUE(reader.Read(rows, 3, 200, absl::MakeSpan(out).first(2)).ok());
  EXPECT_EQ(out[1], 104);
  ASSERT_TRUE(reader.Read(plan, 5, 7, absl::MakeSpan(out).first(2)).ok());
  EXPECT_EQ(out[1], 4800);
  ASSERT_TRUE(reader.Read(plan, 1, 0, absl::MakeSpan(out).first(2)).ok());
  EXPECT_EQ(out[1], 1600);
}

TEST(PrefetchTensorTest, AnnouncesRunsOrOneRangeOfShuffledRows) {
  using Range = Numbers::Range;
  const Numbers source({{9, 2}, {8, 2}, {1000, 1000}});
  // Rows 1, 2, 4, 5, 7, 8: in runs of two.
  PrefetchTensor(
      source,
      PlanOf({2, 6}, {{TensorView::Of(0, {9, 2}).Grouped(3, 1, 2), {}}}), 0,
      12);
  PrefetchTensor(source,
                 PlanOf({2, 8}, {{TensorView::Of(1, {8, 2}).Rotary(2), {}}}), 0,
                 16);
  EXPECT_THAT(source.announced, ElementsAre(Range{0, 2, 4}, Range{0, 8, 4},
                                            Range{0, 14, 4}, Range{1, 0, 16}));
  // A few columns of a large matrix are not worth all of it.
  source.announced.clear();
  PrefetchTensor(
      source,
      PlanOf({1000, 1000}, {{TensorView::Of(2, {1000, 1000}).Swap(0, 1), {}}}),
      0, 5000);
  EXPECT_THAT(source.announced, IsEmpty());
}

TEST(PrefetchTensorTest, AnnouncesPartsOfRowsAndAcrossParts) {
  using Range = Numbers::Range;
  const Numbers source({{2, 3}, {1, 3}});
  const TensorPlan plan = PlanOf({3, 4}, {{TensorView::Of(1, {1, 3}), {}},
                                          {TensorView::Zeros({1, 3}), {}},
                                          {TensorView::Of(0, {2, 3}), {}}});
  PrefetchTensor(source, plan, 1, 7);
  EXPECT_THAT(source.announced, ElementsAre(Range{1, 1, 2}, Range{0, 0, 2}));
}

TEST(OriginOfTest, NamesSourceAndElement) {
  const TensorPlan plan =
      PlanOf({2, 5}, {{TensorView::Of(4, {1, 2}), {}},
                      {TensorView::Of(7, {4, 2}).Rotary(1), {}}});
  EXPECT_EQ(OriginOf(plan, 1).source, 4u);
  EXPECT_EQ(OriginOf(plan, 1).element, 1u);
  EXPECT_EQ(OriginOf(plan, 5).source, 7u);
  EXPECT_EQ(OriginOf(plan, 5).element, 5u);
}

float Mapped(ValueMap map, float value, bool in_f16 = false) {
  map.in_f16 = in_f16;
  Apply(map, absl::MakeSpan(&value, 1));
  return value;
}

TEST(ValueMapTest, IsDoneInThePrecisionOfTheCheckpoint) {
  EXPECT_EQ(Mapped(ValueMap::AddOne(), 0x1p-11f), 1 + 0x1p-11f);
  EXPECT_EQ(Mapped(ValueMap::AddOne(), 0x1p-11f, true), 1.0f);
  EXPECT_EQ(Mapped(ValueMap::AddOne(), 0x3p-11f, true), 1 + 0x2p-10f);
  EXPECT_EQ(Mapped(ValueMap::Scale(0.1f), 3.0f), 0.1f * 3.0f);
  EXPECT_EQ(Mapped(ValueMap::Scale(0.1f), 3.0f, true), 0x1.334p-2f);
  EXPECT_EQ(Mapped(ValueMap::Reciprocal(), 3.0f), 1.0f / 3.0f);
  EXPECT_EQ(Mapped(ValueMap{}, 3.0f), 3.0f);
}

TEST(ValueMapTest, NegativeExpIsNearTheExactValue) {
  for (int i = -2000; i <= 2000; ++i) {
    const float x = static_cast<float>(i) / 23.0f;
    const double exact = -std::exp(static_cast<double>(x));
    const float mapped = Mapped(ValueMap::NegativeExp(), x);
    EXPECT_NEAR(mapped / exact, 1.0, 1.2e-7) << x;
  }
  EXPECT_EQ(Mapped(ValueMap::NegativeExp(), 0.0f), -1.0f);
  EXPECT_EQ(Mapped(ValueMap::NegativeExp(), -105.0f), 0.0f);
  EXPECT_EQ(Mapped(ValueMap::NegativeExp(), 101.0f), -INFINITY);
}

TEST(TensorPlanTest, ElementsIsTheProductOfTheShape) {
  TensorPlan plan;
  plan.shape = {256, 3, 2};
  EXPECT_EQ(plan.elements(), 1536u);
}

}  // namespace
}  // namespace converters
