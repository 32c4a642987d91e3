#include "tools/engine/bad_weight.h"

#include <cmath>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/engine/testing/fake_source.h"

namespace make_gguf {
namespace {

using ::testing::HasSubstr;

TEST(BadWeightTest, NamesFileTensorRowAndColumn) {
  FakeSource source;
  source.Add("model.layers.0.w", {3, 4}, std::vector<float>(12, 1.0f));
  converters::TensorPlan plan;
  plan.name = "blk.0.w";
  plan.shape = {4, 3};
  // Rows in the order 2, 1, 0.
  const auto all = converters::TensorView::Of(0, {3, 4});
  for (uint64_t row : {2, 1, 0}) {
    plan.parts.push_back({all.Slice(0, row, 1), {}});
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const struct {
    float weight;
    const char* what;
  } cases[] = {{std::nanf(""), "NaN"},
               {-kInfinity, "infinite"},
               {65520.0f, "65520 does not fit F16"}};
  for (const auto& c : cases) {
    const absl::Status status = DescribeBadWeight(plan, source, 7, c.weight);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("fake.safetensors"));
    EXPECT_THAT(status.message(), HasSubstr("model.layers.0.w"));
    EXPECT_THAT(status.message(), HasSubstr("row 1, column 3"));
    EXPECT_THAT(status.message(), HasSubstr(c.what));
  }
}

}  // namespace
}  // namespace make_gguf
