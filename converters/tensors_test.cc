#include "converters/tensors.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "converters/fake_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Shape = std::vector<uint64_t>;

void ListToy(Tensors& t, uint64_t blocks = 2) {
  t.Matrix("token_embd", "embed", 10, 4);
  t.Matrix("output", "head", 10, 4).Optional();
  for (Names n : t.Each(blocks, "layers.")) {
    n.Matrix("attn_q", "q", 8, 4).Rotary(2).MaybeBias();
    n.Vector("attn_norm", "norm", 4).WithBias();
  }
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

// What is planned of `source` when `list` lists it.
template <typename List>
absl::StatusOr<std::vector<TensorPlan>> Plan(
    const FakeSource& source, const List& list,
    std::vector<Warning>* warnings = nullptr) {
  std::vector<Warning> unheard;
  Tensors tensors(source);
  list(tensors);
  return tensors.Plan("toy", warnings != nullptr ? *warnings : unheard);
}

template <typename List>
std::vector<TensorPlan> Plans(const FakeSource& source, const List& list) {
  const auto plans = Plan(source, list);
  EXPECT_TRUE(plans.ok()) << plans.status();
  return plans.value_or(std::vector<TensorPlan>());
}

template <typename List>
std::string ErrorOf(const FakeSource& source, const List& list) {
  const auto plans = Plan(source, list);
  EXPECT_TRUE(absl::IsInvalidArgument(plans.status())) << plans.status();
  return std::string(plans.status().message());
}

std::vector<std::string> NamesOf(const std::vector<TensorPlan>& plans) {
  std::vector<std::string> names;
  for (const TensorPlan& plan : plans) names.push_back(plan.name);
  return names;
}

TEST(TensorsTest, PlansAreInTheOrderOfTheSource) {
  FakeSource source = Source();
  source.Add("layers.0.rotary_emb.inv_freq", {2});  // skipped
  const auto plans = Plans(source, [](Tensors& t) { ListToy(t); });
  EXPECT_THAT(NamesOf(plans),
              ElementsAre("token_embd.weight", "blk.0.attn_q.weight",
                          "blk.0.attn_norm.weight", "blk.0.attn_norm.bias",
                          "blk.1.attn_q.weight", "blk.1.attn_norm.weight",
                          "blk.1.attn_norm.bias"));
  const TensorPlan& q = plans[1];
  EXPECT_EQ(q.shape, (Shape{4, 8}));
  EXPECT_EQ(q.precision, Precision::kFileType);
  ASSERT_EQ(q.parts.size(), 1u);
  EXPECT_EQ(q.parts[0].view.source, 1u);
  EXPECT_EQ(q.parts[0].view.Origin(4), 8u);
  EXPECT_EQ(plans[2].precision, Precision::kF32);
}

TEST(TensorsTest, ABiasHasTheOrderOfItsWeight) {
  FakeSource source = Source();
  source.Add("layers.0.q.bias", {8});
  source.Add("layers.1.q.bias", {8});
  const TensorPlan bias = Plans(source, [](Tensors& t) { ListToy(t); }).back();
  EXPECT_EQ(bias.name, "blk.1.attn_q.bias");
  EXPECT_EQ(bias.shape, Shape{8});
  EXPECT_EQ(bias.precision, Precision::kF32);
  EXPECT_EQ(bias.parts[0].view.Origin(1), 2u);
}

TEST(TensorsTest, OneSourceCanHaveSeveralTargets) {
  FakeSource source;
  source.Add("0.pack.weight", {6, 3});
  const auto plans = Plans(source, [](Tensors& t) {
    for (Names n : t.Each(1, "")) {
      const TensorView pack = n.View("pack.weight", {6, 3});
      n.Add("a.weight", pack.Slice(0, 0, 2));
      n.Add("b.weight", pack.Slice(0, 2, 4));
      n.Add("c.x", pack).F32();
    }
  });
  EXPECT_THAT(NamesOf(plans),
              ElementsAre("blk.0.a.weight", "blk.0.b.weight", "blk.0.c.x"));
  EXPECT_EQ(plans[0].shape, (Shape{3, 2}));
  EXPECT_EQ(plans[1].shape, (Shape{3, 4}));
  EXPECT_EQ(plans[1].parts[0].view.Origin(0), 6u);
}

TEST(TensorsTest, SeveralSourcesCanHaveOneTarget) {
  FakeSource source;
  source.Add("k.weight", {2, 3});
  source.Add("other.weight", {1});
  source.Add("q.weight", {4, 3});
  const auto plans = Plans(source, [](Tensors& t) {
    t.Add(
        "qk.weight",
        Join(
            {t.View("q.weight", {4, 3}),
             TensorParts(t.View("k.weight", {2, 3})).Map(ValueMap::Scale(2))}));
    t.Vector("other", "other", 1);
  });
  // Where the last of its sources stands.
  EXPECT_THAT(NamesOf(plans), ElementsAre("other.weight", "qk.weight"));
  EXPECT_EQ(plans[1].shape, (Shape{3, 6}));
  ASSERT_EQ(plans[1].parts.size(), 2u);
  EXPECT_EQ(plans[1].parts[0].view.source, 2u);
  EXPECT_THAT(plans[1].parts[0].maps, IsEmpty());
  EXPECT_EQ(plans[1].parts[1].maps[0].kind, ValueMap::kScale);
}

void ListExperts(Tensors& t, uint64_t blocks = 1, uint64_t experts = 2) {
  for (Names n : t.Each(blocks, "")) {
    n.Experts("e.", experts,
              {{"down_exps", "down", {2, 3}}, {"up_exps", "up", {3, 2}}});
  }
}

FakeSource ExpertSource(const std::vector<std::string>& names) {
  FakeSource source;
  for (const std::string& name : names) {
    source.Add(
        name, name.find("up") != std::string::npos ? Shape{3, 2} : Shape{2, 3});
  }
  return source;
}

TEST(TensorsTest, StacksComeTogetherWhenTheLastSliceIsThere) {
  const FakeSource source =
      ExpertSource({"0.e.1.up.weight", "0.e.0.up.weight", "0.e.0.down.weight",
                    "0.e.1.down.weight"});
  const auto plans = Plans(source, [](Tensors& t) { ListExperts(t); });
  EXPECT_THAT(NamesOf(plans),
              ElementsAre("blk.0.down_exps.weight", "blk.0.up_exps.weight"));
  EXPECT_EQ(plans[1].shape, (Shape{2, 3, 2}));
  // In the order of the experts, not of the source.
  EXPECT_EQ(plans[1].parts[0].view.source, 1u);
  EXPECT_EQ(plans[1].parts[1].view.source, 0u);
}

TEST(TensorsTest, MissingSlicesAreNamed) {
  const auto list = [](Tensors& t) { ListExperts(t, 2); };
  std::vector<std::string> names;
  for (const char* block : {"0", "1"}) {
    for (const char* rest : {".e.0.up.weight", ".e.1.up.weight",
                             ".e.0.down.weight", ".e.1.down.weight"}) {
      names.push_back(absl::StrCat(block, rest));
    }
  }
  EXPECT_EQ(Plans(ExpertSource(names), list).size(), 4u);
  // The other block being whole doesn't help.
  names.erase(names.begin() + 2);
  EXPECT_THAT(ErrorOf(ExpertSource(names), list),
              HasSubstr("lacks 0.e.0.down.weight;"));
  // Nor another spelling of a slice that is there.
  names.push_back("0.e.01.up.weight");
  EXPECT_THAT(ErrorOf(ExpertSource(names), list),
              HasSubstr("0.e.01.up.weight (fake.safetensors) is no tensor"));
}

TEST(TensorsTest, StackedBiasesAndNumberedNames) {
  FakeSource source;
  for (const char* name : {"e.0.b.bias", "e.1.b.bias", "e.2.b.bias"}) {
    source.Add(name, {4});
  }
  const auto plans = Plans(source, [](Tensors& t) {
    t.Add("up_exps.bias", t.Stacked("e.", 3, ".b.bias", {4}));
  });
  ASSERT_THAT(NamesOf(plans), ElementsAre("up_exps.bias"));
  EXPECT_EQ(plans[0].shape, (Shape{4, 3}));
  EXPECT_EQ(plans[0].precision, Precision::kF32);
}

TEST(TensorsTest, UnknownTensorsAreNamedWithTheirFile) {
  FakeSource source = Source();
  source.Add("layers.2.q.weight", {8, 4});  // there are two blocks
  source.Add("layers.00.q.weight", {8, 4});
  source.Add("layers.0.q.scale", {1});
  source.Add("head.bias", {10});
  source.Add("\033[31m" + std::string(100000, 'x'), {1});
  const std::string error = ErrorOf(source, [](Tensors& t) { ListToy(t); });
  EXPECT_THAT(error, HasSubstr("layers.2.q.weight (fake.safetensors)"));
  EXPECT_THAT(error, HasSubstr("layers.00.q.weight"));
  EXPECT_THAT(error, HasSubstr("layers.0.q.scale"));
  EXPECT_THAT(error, HasSubstr("head.bias"));
  EXPECT_THAT(error, Not(HasSubstr("\033")));
  EXPECT_LT(error.size(), 1000u);
}

TEST(TensorsTest, MissingTensorsAreNamedUpToALimit) {
  FakeSource source;
  for (int i = 0; i < 20; ++i) {
    source.Add(absl::StrCat("x", i, ".rotary_emb.inv_freq"), {1});
  }
  const std::string error = ErrorOf(source, [](Tensors& t) { ListToy(t, 20); });
  EXPECT_THAT(error, HasSubstr("embed.weight, layers.0.q.weight"));
  EXPECT_THAT(error, HasSubstr(" and 53 more"));
}

TEST(TensorsTest, WhatIsInSomeBlocksOnlyIsMissingInTheOthers) {
  FakeSource source = Source();
  source.Add("layers.1.q.bias", {8});
  EXPECT_THAT(ErrorOf(source, [](Tensors& t) { ListToy(t); }),
              HasSubstr("lacks layers.0.q.bias;"));
}

TEST(TensorsTest, AnArchitectureCanAskWhatIsThere) {
  FakeSource source = Source();
  source.Add("layers.1.q.bias", {8});
  const auto plans = Plans(source, [](Tensors& t) {
    t.Matrix("token_embd", "embed", 10, 4);
    EXPECT_EQ(t.Find("layers.0.q.weight")->shape, (Shape{8, 4}));
    for (Names n : t.Each(2, "layers.")) {
      Target q = n.Matrix("attn_q", "q", 8, 4);
      if (n.Has("q.bias")) q.WithBias();
      n.Vector("attn_norm", "norm", 4).WithBias();
      EXPECT_EQ(n.Has("q.bias"), n.block() == 1);
    }
  });
  EXPECT_EQ(plans.size(), 8u);
}

TEST(TensorsTest, TheBiasOfAnAbsentWeightIsNotMissing) {
  const auto list = [](Tensors& t) {
    ListToy(t);
    t.Vector("extra", "extra", 4).Optional().WithBias();
  };
  FakeSource source = Source();
  EXPECT_EQ(Plans(source, list).size(), 7u);
  source.Add("extra.weight", {4});
  EXPECT_THAT(ErrorOf(source, list), HasSubstr("lacks extra.bias;"));
}

TEST(TensorsTest, WrongShapesSayBoth) {
  FakeSource source = Source();
  source.Add("head.weight", {11, 4});
  EXPECT_THAT(ErrorOf(source, [](Tensors& t) { ListToy(t); }),
              HasSubstr("fake.safetensors: tensor head.weight has shape "
                        "[11, 4], config.json expects [10, 4]"));
}

TEST(TensorsTest, SizesThatDoNotFitEachOtherAreAnError) {
  FakeSource source;
  source.Add("q.weight", {10, 4});
  for (const uint64_t heads : {0, 3, 4, 10}) {
    EXPECT_THAT(ErrorOf(source,
                        [heads](Tensors& t) {
                          t.Matrix("attn_q", "q", 10, 4).Rotary(heads);
                        }),
                HasSubstr("don't fit each other: attn_q.weight"))
        << heads;
  }
  EXPECT_THAT(ErrorOf(source,
                      [](Tensors& t) {
                        t.Add("x.weight", Join({t.View("q.weight", {10, 4}),
                                                TensorView::Zeros({10, 3})}));
                      }),
              HasSubstr("x.weight"));
}

TEST(TensorsTest, SizesOfNothingAreAnErrorOrOfWhatIsNotThere) {
  FakeSource source;
  source.Add("q.weight", {0, 4});
  EXPECT_THAT(ErrorOf(source,
                      [](Tensors& t) {
                        t.Matrix("attn_q", "q", 0, 4).Rotary(2).MaybeBias();
                      }),
              HasSubstr("don't fit each other: attn_q.weight"));
  EXPECT_THAT(ErrorOf(FakeSource(),
                      [](Tensors& t) {
                        t.Matrix("attn_q", "q", 0, 4).Rotary(0).WithBias();
                        t.Matrix("output", "head", 0, 0).Optional();
                        t.Add("x.weight", Join({t.View("a.weight", {0, 3}),
                                                t.View("b.weight", {2, 2})}));
                      }),
              HasSubstr("lacks q.weight, q.bias, a.weight, b.weight"));
}

TEST(TensorsTest, TwoSourcesOfOneTargetAreAnError) {
  const auto list = [](Tensors& t) {
    ListToy(t);
    t.Matrix("token_embd", "old_embed", 10, 4).Optional();
  };
  FakeSource source = Source();
  EXPECT_EQ(Plans(source, list).size(), 7u);
  source.Add("old_embed.weight", {10, 4});
  EXPECT_THAT(ErrorOf(source, list),
              HasSubstr("old_embed.weight gives token_embd.weight, which "
                        "another tensor has given already"));
}

TEST(TensorsTest, AbsurdCountsAreRefusedWithoutListing) {
  EXPECT_THAT(ErrorOf(Source(), [](Tensors& t) { ListToy(t, 4000000000); }),
              HasSubstr("promises 4000000000 blocks, but the checkpoint has "
                        "only 7 tensors"));
  EXPECT_THAT(ErrorOf(ExpertSource({"0.e.0.up.weight"}),
                      [](Tensors& t) { ListExperts(t, 1, 4000000000); }),
              HasSubstr("4000000000 experts each, but the checkpoint has only "
                        "1 tensors"));
  // Neither is above the number of tensors; each with each is.
  FakeSource many;
  for (int i = 0; i < 2000; ++i) {
    many.Add(absl::StrCat("x", i, ".rotary_emb.inv_freq"), {1});
  }
  int blocks = 0;
  EXPECT_THAT(ErrorOf(many,
                      [&blocks](Tensors& t) {
                        for (Names n : t.Each(2000, "")) {
                          ++blocks;
                          n.Experts("e.", 1300, {{"up_exps", "up", {3, 2}}});
                        }
                      }),
              HasSubstr("2000 blocks, with 1300 experts each"));
  EXPECT_LT(blocks, 20);
}

TEST(TensorsTest, NamesCanDiffer) {
  FakeSource source;
  source.Add("model.language_model.embed.weight", {10, 4});
  source.Add("model.language_model.layers.0.norm.weight", {4});
  const auto list = [](Tensors& t) {
    t.Matrix("token_embd", "model.embed", 10, 4);
    for (Names n : t.Each(1, "model.layers.")) n.Vector("norm", "norm", 4);
  };
  EXPECT_EQ(Plans(source,
                  [&](Tensors& t) {
                    t.CutFromNames("language_model.");
                    list(t);
                  })
                .size(),
            2u);
  EXPECT_EQ(Plans(source,
                  [&](Tensors& t) {
                    t.Rename([](absl::string_view name) {
                      return std::string(name.substr(21));
                    });
                    t.MayLack("model.");
                    list(t);
                  })
                .size(),
            2u);
  source.Add("embed.weight", {10, 4});
  source.Add("model.embed.weight", {10, 4});
  EXPECT_THAT(ErrorOf(source,
                      [&](Tensors& t) {
                        t.CutFromNames("language_model.");
                        list(t);
                      }),
              HasSubstr("tensor model.embed.weight is there twice, also as "
                        "model.language_model.embed.weight"));
}

TEST(TensorsTest, WhatIsLeftOutIsCounted) {
  FakeSource source = Source();
  source.Add("vision.a.weight", {1000, 1000});
  source.Add("vision.b.weight", {1000, 1000});
  source.Add("layers.0.attn.mask", {4});
  source.Add("mtp.embed.weight", {10, 4});
  std::vector<Warning> warnings;
  const auto plans = Plan(
      source,
      [](Tensors& t) {
        ListToy(t);
        t.Drop("vision.*", "the vision tower");
        t.Drop("*.mask", "");
        t.Drop("mtp.*.weight", "the head for multi-token prediction");
        t.Drop("layers.*", "nothing that is asked for");
      },
      &warnings);
  ASSERT_TRUE(plans.ok()) << plans.status();
  EXPECT_EQ(plans->size(), 7u);
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].code, "tensors-left-out");
  EXPECT_EQ(warnings[0].text, "the vision tower: 2 tensors, 8.0 MB, left out");
  EXPECT_THAT(warnings[1].text, HasSubstr("prediction: 1 tensor, "));
}

TEST(TensorsTest, ComputedTensorsAndThoseThatWishItComeFirst) {
  const auto plans = Plans(Source(), [](Tensors& t) {
    ListToy(t);
    t.Compute("rope_freqs.weight", {1, 2, 3});
    t.Add("late.weight", t.View("layers.1.q.weight", {8, 4})).First();
  });
  EXPECT_EQ(plans[0].name, "rope_freqs.weight");
  EXPECT_EQ(plans[0].shape, Shape{3});
  EXPECT_EQ(plans[0].precision, Precision::kF32);
  EXPECT_THAT(plans[0].values, ElementsAre(1, 2, 3));
  EXPECT_EQ(plans[1].name, "late.weight");
  EXPECT_EQ(plans[2].name, "token_embd.weight");
}

TEST(TensorsTest, MapsKnowTheDtypeOfTheirSource) {
  FakeSource source;
  source.Add("a.weight", {4}, "F16");
  source.Add("b.weight", {4}, "BF16");
  const auto plans = Plans(source, [](Tensors& t) {
    t.Vector("a_norm", "a", 4).Map(ValueMap::AddOne());
    t.Vector("b_norm", "b", 4).Map(ValueMap::AddOne());
  });
  EXPECT_TRUE(plans[0].parts[0].maps[0].in_f16);
  EXPECT_FALSE(plans[1].parts[0].maps[0].in_f16);
}

TEST(TensorsTest, WhatTheRuntimeWantsInF32) {
  FakeSource source;
  const auto precision = [](std::string target, Shape shape) {
    FakeSource source;
    source.Add("x", shape);
    return Plans(source, [&](Tensors& t) { t.Add(target, t.View("x", shape)); })
        .at(0)
        .precision;
  };
  for (const char* name :
       {"blk.0.ffn_gate_inp.weight", "blk.0.ffn_gate_inp_shexp.weight",
        "blk.0.attn_q_norm.weight", "blk.3.ssm_conv1d.weight", "blk.0.ssm_a",
        "blk.0.ffn_up_exps.bias", "position_embd.weight",
        "token_types.weight"}) {
    EXPECT_EQ(precision(name, {4, 4}), Precision::kF32) << name;
  }
  EXPECT_EQ(precision("blk.0.ffn_gate.weight", {4, 4}), Precision::kFileType);
  EXPECT_EQ(precision("blk.0.ffn_gate.weight", {1, 4}), Precision::kFileType);
  EXPECT_EQ(precision("blk.0.ffn_gate.weight", {4}), Precision::kF32);
}

TEST(TensorsTest, GatedFeedForwardMayHaveBiases) {
  FakeSource source;
  for (const char* name : {"up_proj", "gate_proj"}) {
    source.Add(absl::StrCat("0.mlp.", name, ".weight"), {6, 4});
    source.Add(absl::StrCat("0.mlp.", name, ".bias"), {6});
  }
  source.Add("0.mlp.down_proj.weight", {4, 6});
  const auto plans = Plans(source, [](Tensors& t) {
    for (Names n : t.Each(1, "")) GatedFeedForward(n, "mlp.", 6, 4);
  });
  EXPECT_THAT(NamesOf(plans),
              ElementsAre("blk.0.ffn_up.weight", "blk.0.ffn_up.bias",
                          "blk.0.ffn_gate.weight", "blk.0.ffn_gate.bias",
                          "blk.0.ffn_down.weight"));
}

}  // namespace
}  // namespace converters
