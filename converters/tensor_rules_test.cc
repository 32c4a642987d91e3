#include "converters/tensor_rules.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "converters/fake_source.h"
#include "converters/row_maps.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Shape = std::vector<uint64_t>;

TensorRules Rules() {
  return {.architecture = "test",
          .blocks = 2,
          .rules = {
              {"embed", "token_embd", {10, 4}},
              TensorRule("layers.{}.q", "blk.{}.attn_q", {8, 4},
                         {RotaryRows(0, 2, 4)})
                  .MaybeBias(),
              TensorRule("layers.{}.norm", "blk.{}.attn_norm", {4}).WithBias(),
              TensorRule("head", "output", {10, 4}).Optional(),
          }};
}

FakeSource Source() {
  FakeSource source;
  source.Add("embed.weight", {10, 4});
  for (const char* layer : {"layers.0.", "layers.1."}) {
    source.Add(std::string(layer) + "q.weight", {8, 4});
    source.Add(std::string(layer) + "norm.weight", {4});
    source.Add(std::string(layer) + "norm.bias", {4});
  }
  return source;
}

std::string ErrorOf(const TensorRules& rules, const FakeSource& source) {
  const auto plans = PlanTensors(rules, source);
  EXPECT_TRUE(absl::IsInvalidArgument(plans.status())) << plans.status();
  return std::string(plans.status().message());
}

TEST(PlanTensorsTest, PlansAreInTheOrderOfTheSource) {
  FakeSource source = Source();
  source.Add("layers.0.rotary_emb.inv_freq", {2});  // skipped
  const auto plans = PlanTensors(Rules(), source);
  ASSERT_TRUE(plans.ok()) << plans.status();
  std::vector<std::string> names;
  for (const TensorPlan& plan : *plans) names.push_back(plan.name);
  EXPECT_THAT(names,
              ElementsAre("token_embd.weight", "blk.0.attn_q.weight",
                          "blk.0.attn_norm.weight", "blk.0.attn_norm.bias",
                          "blk.1.attn_q.weight", "blk.1.attn_norm.weight",
                          "blk.1.attn_norm.bias"));
  const TensorPlan& q = (*plans)[1];
  EXPECT_EQ(q.shape, (Shape{4, 8}));
  EXPECT_EQ(q.precision, Precision::kFileType);
  ASSERT_EQ(q.parts.size(), 1u);
  EXPECT_EQ(q.parts[0].view.source, 1u);
  EXPECT_EQ(q.parts[0].view.Origin(4), 8u);
  EXPECT_EQ((*plans)[2].precision, Precision::kF32);
}

TEST(PlanTensorsTest, ABiasIsPermutedElementByElement) {
  FakeSource source = Source();
  source.Add("layers.0.q.bias", {8});
  source.Add("layers.1.q.bias", {8});
  const auto plans = PlanTensors(Rules(), source);
  ASSERT_TRUE(plans.ok()) << plans.status();
  const TensorPlan& bias = plans->back();
  EXPECT_EQ(bias.name, "blk.1.attn_q.bias");
  EXPECT_EQ(bias.shape, Shape{8});
  EXPECT_EQ(bias.precision, Precision::kF32);
  EXPECT_EQ(bias.parts[0].view.Origin(1), 2u);
}

TEST(PlanTensorsTest, OneSourceCanHaveSeveralTargets) {
  TensorRules rules = {.architecture = "test", .blocks = 1, .rules = {}};
  rules.rules.push_back({"{}.pack",
                         {{"blk.{}.a", {ConsecutiveRows(0, 2)}},
                          {"blk.{}.b", {ConsecutiveRows(2, 4)}}},
                         {6, 3}});
  FakeSource source;
  source.Add("0.pack.weight", {6, 3});
  const auto plans = PlanTensors(rules, source);
  ASSERT_TRUE(plans.ok()) << plans.status();
  ASSERT_EQ(plans->size(), 2u);
  EXPECT_EQ((*plans)[0].shape, (Shape{3, 2}));
  EXPECT_EQ((*plans)[1].name, "blk.0.b.weight");
  EXPECT_EQ((*plans)[1].shape, (Shape{3, 4}));
  EXPECT_EQ((*plans)[1].parts[0].view.Origin(0), 6u);
}

TensorRules StackRules() {
  TensorRules rules = {.architecture = "test", .blocks = 1, .rules = {}};
  rules.rules.push_back(
      TensorRule("{}.e.{}.down", "blk.{}.down_exps", {2, 3}).Stacked(2));
  rules.rules.push_back(
      TensorRule("{}.e.{}.up", "blk.{}.up_exps", {3, 2}).Stacked(2));
  return rules;
}

TEST(PlanTensorsTest, StacksComeTogetherWhenTheLastSliceIsThere) {
  FakeSource source;
  for (const char* name : {"0.e.1.up.weight", "0.e.0.up.weight"}) {
    source.Add(name, {3, 2});
  }
  for (const char* name : {"0.e.0.down.weight", "0.e.1.down.weight"}) {
    source.Add(name, {2, 3});
  }
  const auto plans = PlanTensors(StackRules(), source);
  ASSERT_TRUE(plans.ok()) << plans.status();
  ASSERT_EQ(plans->size(), 2u);
  EXPECT_EQ((*plans)[0].name, "blk.0.down_exps.weight");
  EXPECT_EQ((*plans)[1].name, "blk.0.up_exps.weight");
  EXPECT_EQ((*plans)[1].shape, (Shape{2, 3, 2}));
  // In the order of the experts, not of the source.
  EXPECT_EQ((*plans)[1].parts[0].view.source, 1u);
  EXPECT_EQ((*plans)[1].parts[1].view.source, 0u);
}

TEST(PlanTensorsTest, MissingSlicesAreNamed) {
  FakeSource source;
  source.Add("0.e.0.up.weight", {3, 2});
  source.Add("0.e.1.up.weight", {3, 2});
  source.Add("0.e.1.down.weight", {2, 3});
  source.Add("0.rotary_emb.inv_freq", {1});
  const std::string error = ErrorOf(StackRules(), source);
  EXPECT_THAT(error, HasSubstr("lacks 0.e.0.down.weight;"));
}

TEST(PlanTensorsTest, UnknownTensorsAreNamedWithTheirFile) {
  FakeSource source = Source();
  source.Add("layers.2.q.weight", {8, 4});  // there are two blocks
  source.Add("layers.0.q.scale", {1});
  source.Add("head.bias", {10});
  const std::string error = ErrorOf(Rules(), source);
  EXPECT_THAT(error, HasSubstr("layers.2.q.weight (fake.safetensors)"));
  EXPECT_THAT(error, HasSubstr("layers.0.q.scale"));
  EXPECT_THAT(error, HasSubstr("head.bias"));
}

TEST(PlanTensorsTest, MissingTensorsAreNamedUpToALimit) {
  FakeSource source;
  for (int i = 0; i < 20; ++i) {
    source.Add("x" + std::to_string(i) + ".rotary_emb.inv_freq", {1});
  }
  TensorRules rules = Rules();
  rules.blocks = 20;
  const std::string error = ErrorOf(rules, source);
  EXPECT_THAT(error, HasSubstr("embed.weight, layers.0.q.weight"));
  EXPECT_THAT(error, HasSubstr(" and 53 more"));
}

TEST(PlanTensorsTest, ABiasInSomeBlocksOnlyIsMissingInTheOthers) {
  FakeSource source = Source();
  source.Add("layers.1.q.bias", {8});
  EXPECT_THAT(ErrorOf(Rules(), source), HasSubstr("lacks layers.0.q.bias;"));
}

TEST(PlanTensorsTest, WrongShapesSayBoth) {
  FakeSource source = Source();
  source.Add("head.weight", {11, 4});
  EXPECT_THAT(ErrorOf(Rules(), source),
              HasSubstr("fake.safetensors: tensor head.weight has shape "
                        "[11, 4], config.json expects [10, 4]"));
}

TEST(PlanTensorsTest, TwoSourcesOfOneTargetAreAnError) {
  TensorRules rules = Rules();
  rules.rules.push_back({"old_embed", "token_embd", {10, 4}});
  EXPECT_TRUE(PlanTensors(rules, Source()).ok());
  FakeSource source = Source();
  source.Add("old_embed.weight", {10, 4});
  EXPECT_THAT(ErrorOf(rules, source), HasSubstr("another tensor has given"));
}

TEST(PlanTensorsTest, AbsurdCountsAreRefusedWithoutListing) {
  TensorRules rules = Rules();
  rules.blocks = 4000000000;
  EXPECT_THAT(ErrorOf(rules, Source()), HasSubstr("promises 4000000000"));
  rules = StackRules();
  rules.rules[0].stack = 4000000000;
  FakeSource source;
  source.Add("0.e.0.up.weight", {3, 2});
  EXPECT_THAT(ErrorOf(rules, source), HasSubstr("only 1 tensors"));
}

}  // namespace
}  // namespace converters
