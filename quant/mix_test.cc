#include "quant/mix.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/file_type.h"

// The expected types are what llama-quantize 0.7.0 --dry-run prints for models
// of these shapes.

namespace quant {
namespace {

using ::gguf::TensorInfo;
using ::gguf::TensorType;
using ::testing::HasSubstr;

// A model with the tensors that the rules look at, in the quantizer's order.
struct Model {
  ModelFacts facts;
  uint64_t columns = 256;
  uint64_t down_columns = 256;
  bool tied = false;
  bool fused_qkv = false;
};

std::vector<TensorInfo> Tensors(const Model& model) {
  std::vector<TensorInfo> tensors;
  const auto add = [&](std::string name, std::vector<uint64_t> shape) {
    tensors.push_back(
        TensorInfo{std::move(name), TensorType::kF16, std::move(shape)});
  };
  const uint64_t c = model.columns;
  if (!model.tied) add("output.weight", {c, 8});
  tensors.push_back(TensorInfo{"output_norm.weight", TensorType::kF32, {c}});
  add("token_embd.weight", {c, 8});
  const uint64_t experts = model.facts.expert_count;
  for (uint64_t b = 0; b < model.facts.block_count; ++b) {
    const std::string block = absl::StrCat("blk.", b, ".");
    if (model.fused_qkv) {
      add(block + "attn_qkv.weight", {c, 8});
    } else {
      add(block + "attn_k.weight", {c, 8});
      add(block + "attn_output.weight", {c, 8});
      add(block + "attn_q.weight", {c, 8});
      add(block + "attn_v.weight", {c, 8});
    }
    if (experts > 0) {
      add(block + "ffn_down_exps.weight", {model.down_columns, 8, experts});
      add(block + "ffn_up_exps.weight", {c, 8, experts});
    } else {
      add(block + "ffn_down.weight", {model.down_columns, 8});
      add(block + "ffn_up.weight", {c, 8});
    }
  }
  return tensors;
}

absl::StatusOr<std::vector<TensorChoice>> Choose(
    absl::string_view file_type, const Model& model,
    const MixOverrides& overrides = {}) {
  return ChooseTypes(*FindFileType(file_type), model.facts, Tensors(model),
                     overrides);
}

// The types of the tensors with `part` in their name, in order: "Q4_K*3 Q6_K"
// for three times Q4_K, then Q6_K. kOutput means that tensor alone.
constexpr absl::string_view kOutput = "output.weight";

std::string Types(absl::string_view file_type, const Model& model,
                  absl::string_view part, const MixOverrides& overrides = {}) {
  const auto choices = Choose(file_type, model, overrides);
  if (!choices.ok()) return std::string(choices.status().message());
  const std::vector<TensorInfo> tensors = Tensors(model);
  std::vector<std::pair<std::string, int>> runs;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const std::string& name = tensors[i].name;
    if (name.find(part) == std::string::npos) continue;
    if (part == kOutput && name != kOutput) continue;
    const std::string type = absl::StrCat((*choices)[i].type);
    if (runs.empty() || runs.back().first != type) runs.emplace_back(type, 0);
    ++runs.back().second;
  }
  return absl::StrJoin(runs, " ", [](std::string* out, const auto& run) {
    absl::StrAppend(out, run.first);
    if (run.second > 1) absl::StrAppend(out, "*", run.second);
  });
}

Model Llama(uint64_t blocks, uint64_t heads = 8, uint64_t heads_kv = 8,
            uint64_t experts = 0) {
  return Model{ModelFacts{"llama", blocks, heads, heads_kv, experts}};
}

Model Falcon(uint64_t blocks, uint64_t heads_kv = 1) {
  Model model{ModelFacts{"falcon", blocks, 8, heads_kv, 0}};
  model.fused_qkv = true;
  return model;
}

TEST(MixTest, PlainTypesGiveTheirTypeToWhatIsQuantizable) {
  for (const char* type : {"F32", "F16", "BF16", "Q8_0"}) {
    const auto choices = Choose(type, Llama(1));
    ASSERT_TRUE(choices.ok());
    EXPECT_EQ(absl::StrCat((*choices)[0].type), type);  // output.weight
    EXPECT_EQ((*choices)[1].type, TensorType::kF32);    // output_norm.weight
    EXPECT_EQ(absl::StrCat((*choices)[2].type), type);  // token_embd.weight
  }
}

TEST(MixTest, OutputAndTokenEmbedding) {
  const struct {
    const char* file_type;
    const char* output;
    const char* embedding;
  } kExpected[] = {{"Q4_0", "Q6_K", "Q4_0"},     {"Q2_K", "Q6_K", "Q2_K"},
                   {"Q4_K_M", "Q6_K", "Q4_K"},   {"Q6_K", "Q6_K", "Q6_K"},
                   {"Q8_0", "Q8_0", "Q8_0"},     {"TQ1_0", "Q6_K", "Q4_K"},
                   {"TQ2_0", "Q6_K", "Q4_K"},    {"Q2_0", "Q6_K", "Q4_K"},
                   {"Q1_0", "Q6_K", "Q1_0"},     {"IQ4_XS", "Q6_K", "IQ4_XS"},
                   {"MXFP4_MOE", "Q8_0", "Q8_0"}};
  Model tied = Llama(1);
  tied.tied = true;
  for (const auto& expected : kExpected) {
    SCOPED_TRACE(expected.file_type);
    EXPECT_EQ(Types(expected.file_type, Llama(1), kOutput), expected.output);
    EXPECT_EQ(Types(expected.file_type, Llama(1), "token_embd"),
              expected.embedding);
    // An embedding that is the output too gets the output's type.
    EXPECT_EQ(Types(expected.file_type, tied, "token_embd"), expected.output);
  }
}

TEST(MixTest, FalconsOutputIsQ8_0) {
  Model tied = Falcon(1);
  tied.tied = true;
  for (const char* type : {"Q2_K", "Q4_K_M", "Q6_K", "TQ1_0", "IQ4_XS"}) {
    EXPECT_EQ(Types(type, Falcon(1), kOutput), "Q8_0");
    EXPECT_EQ(Types(type, tied, "token_embd"), "Q8_0");
  }
}

TEST(MixTest, ValuesGetMoreBits) {
  const std::string kAlternating =
      "Q6_K*4 Q4_K*2 Q6_K Q4_K*2 Q6_K Q4_K*2 Q6_K Q4_K*2 Q6_K Q4_K*2 Q6_K "
      "Q4_K*2 Q6_K Q4_K*2 Q6_K Q4_K*2 Q6_K*5";
  EXPECT_EQ(Types("Q4_K_M", Llama(32), "attn_v"), kAlternating);
  EXPECT_EQ(Types("Q4_K_M", Llama(32), "ffn_down"), kAlternating);
  EXPECT_EQ(Types("Q4_K_M", Llama(32), "attn_output"), "Q4_K*32");
  EXPECT_EQ(Types("Q5_K_M", Llama(4), "attn_v"), "Q5_K*2 Q6_K*2");
  EXPECT_EQ(Types("Q5_K_S", Llama(4), "attn_v"), "Q5_K*4");
  EXPECT_EQ(Types("Q4_K_S", Llama(32), "attn_v"), "Q5_K*4 Q4_K*28");
  EXPECT_EQ(Types("Q4_K_S", Llama(32), "ffn_down"), "Q5_K*4 Q4_K*28");
  EXPECT_EQ(Types("Q3_K_M", Llama(32), "attn_v"), "Q5_K*2 Q4_K*30");
  EXPECT_EQ(Types("Q3_K_M", Llama(32), "ffn_down"), "Q5_K*2 Q4_K*30");
  EXPECT_EQ(Types("Q3_K_M", Llama(32), "attn_output"), "Q4_K*32");
  EXPECT_EQ(Types("Q3_K_L", Llama(4), "attn_v"), "Q5_K*4");
  EXPECT_EQ(Types("Q3_K_L", Llama(4), "ffn_down"), "Q5_K*4");
  EXPECT_EQ(Types("Q3_K_S", Llama(4), "attn_v"), "Q3_K*4");
  EXPECT_EQ(Types("Q2_K", Llama(4), "attn_v"), "Q3_K*4");
  EXPECT_EQ(Types("Q2_K", Llama(4), "ffn_down"), "Q3_K*4");
  EXPECT_EQ(Types("Q2_K", Llama(4), "ffn_up"), "Q2_K*4");
  EXPECT_EQ(Types("Q2_K_S", Llama(16), "ffn_down"), "Q4_K*2 Q2_K*14");
}

TEST(MixTest, FourQueriesForAKeyMakeValuesCheap) {
  EXPECT_EQ(Types("Q2_K", Llama(4, 8, 2), "attn_v"), "Q4_K*4");
  EXPECT_EQ(Types("Q2_K", Llama(4, 8, 3), "attn_v"), "Q3_K*4");
  EXPECT_EQ(Types("Q2_K_S", Llama(4, 8, 2), "attn_v"), "Q4_K*4");
  EXPECT_EQ(Types("IQ4_NL", Llama(4, 8, 2), "attn_v"), "Q5_K*4");
  EXPECT_EQ(Types("IQ4_XS", Llama(4, 8, 2), "attn_v"), "Q5_K*4");
  EXPECT_EQ(Types("IQ4_XS", Llama(4, 8, 4), "attn_v"), "IQ4_XS*4");
  EXPECT_EQ(Types("Q2_K", Llama(4, 8, 0), "attn_v"), "Q3_K*4");
}

TEST(MixTest, SeventyBillion) {
  EXPECT_EQ(Types("Q3_K_S", Llama(80, 64, 8), "attn_v"), "Q5_K*80");
  EXPECT_EQ(Types("Q4_K_S", Llama(80, 64, 8), "attn_v"), "Q5_K*80");
  EXPECT_EQ(Types("Q2_K", Llama(80, 64, 8), "attn_v"), "Q5_K*80");
  EXPECT_EQ(Types("Q3_K_S", Llama(80, 64, 64), "attn_v"), "Q3_K*80");
  EXPECT_EQ(Types("Q3_K_S", Llama(79, 64, 8), "attn_v"), "Q3_K*79");
  Model qwen = Llama(80, 64, 8);
  qwen.facts.architecture = "qwen2";
  EXPECT_EQ(Types("Q3_K_S", qwen, "attn_v"), "Q5_K*80");
}

TEST(MixTest, EightExperts) {
  const Model mixtral = Llama(32, 32, 8, 8);
  EXPECT_EQ(Types("Q4_K_M", mixtral, "attn_v"), "Q8_0*32");
  EXPECT_EQ(Types("Q4_K_M", mixtral, "attn_k"), "Q8_0*32");
  EXPECT_EQ(Types("Q4_K_M", mixtral, "attn_output"), "Q5_K*32");
  EXPECT_EQ(Types("Q5_K_M", mixtral, "attn_output"), "Q5_K*32");
  EXPECT_EQ(Types("Q3_K_L", mixtral, "attn_output"), "Q3_K*32");
  EXPECT_EQ(Types("Q4_K_S", mixtral, "ffn_down"), "Q5_K*4 Q4_K*28");
  EXPECT_EQ(Types("MXFP4_MOE", mixtral, "exps"), "MXFP4*64");
  EXPECT_EQ(Types("MXFP4_MOE", mixtral, "attn_q"), "Q8_0*32");
  const Model four = Llama(8, 32, 8, 4);
  EXPECT_EQ(Types("Q4_K_M", four, "attn_k"), "Q4_K*8");
  EXPECT_EQ(Types("Q2_K", four, "attn_output"), "Q3_K*8");
}

TEST(MixTest, ExpertsNotInABlock) {
  Model model = Llama(1, 8, 8, 4);
  std::vector<TensorInfo> tensors = Tensors(model);
  tensors.push_back({"blk.1.ffn_down_exps.weight", TensorType::kF16, {256, 2}});
  const auto choices = ChooseTypes(*FindFileType("Q4_K_M"), model.facts,
                                   tensors, MixOverrides());
  EXPECT_THAT(choices.status().message(),
              HasSubstr("'blk.1.ffn_down_exps.weight'"));
}

TEST(MixTest, FalconsRules) {
  EXPECT_EQ(Types("Q4_K_M", Falcon(32), "ffn_down"),
            "Q6_K*2 Q5_K*2 Q4_K*2 Q5_K Q4_K*2 Q5_K Q4_K*2 Q5_K Q4_K*2 Q5_K "
            "Q4_K*2 Q5_K Q4_K*2 Q5_K Q4_K*2 Q5_K Q4_K*2 Q5_K*5");
  EXPECT_EQ(Types("Q3_K_M", Falcon(8), "ffn_down"),
            "Q4_K Q3_K*2 Q4_K Q3_K*2 Q4_K*2");
  EXPECT_EQ(Types("Q3_K_L", Falcon(8), "ffn_down"), "Q4_K*8");
  EXPECT_EQ(Types("Q4_K_S", Falcon(8), "ffn_down"), "Q4_K*8");
  EXPECT_EQ(Types("Q2_K", Falcon(8), "attn_qkv"), "Q4_K*8");
  EXPECT_EQ(Types("Q4_K_M", Falcon(4), "attn_qkv"), "Q4_K*2 Q6_K*2");
}

TEST(MixTest, ImportanceChangesTheFirstDownProjections) {
  MixOverrides with;
  with.has_importance = true;
  EXPECT_EQ(Types("IQ4_XS", Llama(16), "ffn_down"), "Q5_K*2 IQ4_XS*14");
  EXPECT_EQ(Types("IQ4_XS", Llama(16), "ffn_down", with), "IQ4_XS*16");
  EXPECT_EQ(Types("IQ4_NL", Llama(16), "ffn_down"), "Q5_K*2 IQ4_NL*14");
  EXPECT_EQ(Types("IQ4_NL", Llama(16), "ffn_down", with), "IQ4_NL*16");
  EXPECT_EQ(Types("Q4_0", Llama(16), "ffn_down"), "Q4_0*16");
  EXPECT_EQ(Types("Q4_0", Llama(16), "ffn_down", with), "Q4_1*2 Q4_0*14");
  EXPECT_EQ(Types("Q5_0", Llama(16), "ffn_down", with), "Q5_1*2 Q5_0*14");
}

TEST(MixTest, RowsThatAreNoMultipleOfTheBlock) {
  const struct {
    const char* file_type;
    const char* fallback;
  } kExpected[] = {
      {"Q2_K", "Q4_0"},   {"Q3_K_S", "Q4_0"}, {"TQ1_0", "Q4_0"},
      {"TQ2_0", "Q4_0"},  {"Q2_0", "Q4_0"},   {"Q4_K_S", "Q5_0"},
      {"Q5_K_S", "Q5_1"}, {"Q6_K", "Q8_0"},   {"IQ4_XS", "IQ4_NL"}};
  Model odd = Llama(1);
  odd.columns = 96;
  for (const auto& expected : kExpected) {
    SCOPED_TRACE(expected.file_type);
    EXPECT_EQ(Types(expected.file_type, odd, "attn_q"), expected.fallback);
    EXPECT_EQ(Types(expected.file_type, odd, kOutput), "Q8_0");
    const auto choices = Choose(expected.file_type, odd);
    EXPECT_EQ((*choices)[5].fallback_from,
              FindFileType(expected.file_type)->base);  // attn_q
    EXPECT_EQ((*choices)[1].fallback_from, std::nullopt);
  }
  // Q6_K, which 256 weights fit and 96 do not, but Q4_0's blocks do.
  EXPECT_EQ(Types("Q4_0", odd, kOutput), "Q8_0");
  EXPECT_EQ(Types("Q4_0", odd, "attn_q"), "Q4_0");
}

TEST(MixTest, RowsThatNoBlockFits) {
  Model odd = Llama(1);
  odd.columns = 80;
  for (const char* type : {"Q2_K", "Q4_K_M", "Q8_0", "Q4_0", "IQ4_XS"}) {
    EXPECT_EQ(Types(type, odd, "attn_q"), "F16") << type;
    EXPECT_EQ(Types(type, odd, kOutput), "F16") << type;
  }
  EXPECT_THAT(Types("NVFP4", odd, "attn_q"),
              HasSubstr("rows of 80 weights are no multiple of the 64 in a "
                        "block of NVFP4"));
  EXPECT_THAT(Types("Q1_0", odd, "attn_q"), HasSubstr("'token_embd.weight'"));
}

TEST(MixTest, Overrides) {
  MixOverrides pure;
  pure.pure = true;
  EXPECT_EQ(Types("Q4_K_M", Llama(4), "weight", pure), "Q4_K F32 Q4_K*25");

  MixOverrides named;
  named.output_tensor_type = TensorType::kQ5_0;
  named.token_embedding_type = TensorType::kQ4_1;
  EXPECT_EQ(Types("Q4_K_M", Llama(1), kOutput, named), "Q5_0");
  EXPECT_EQ(Types("Q4_K_M", Llama(1), "token_embd", named), "Q4_1");
  EXPECT_EQ(Types("F16", Llama(1), "token_embd", named), "Q4_1");

  Model tied = Llama(1);
  tied.tied = true;
  EXPECT_EQ(Types("Q4_K_M", tied, "token_embd", named), "Q4_1");
  named.token_embedding_type.reset();
  EXPECT_EQ(Types("Q4_K_M", tied, "token_embd", named), "Q5_0");
  named.output_tensor_type = TensorType::kQ6_K;
  tied.columns = 96;
  EXPECT_EQ(Types("Q4_K_M", tied, "token_embd", named), "Q8_0");
  tied.tied = false;
  EXPECT_THAT(Types("Q4_K_M", tied, "token_embd", named),
              HasSubstr("'output.weight'"));

  MixOverrides leave;
  leave.leave_output_tensor = true;
  EXPECT_EQ(Types("Q4_K_M", Llama(1), kOutput, leave), "F16");
}

TEST(MixTest, PatternsMatchInOrderAndSkipTheRules) {
  MixOverrides overrides;
  overrides.tensor_types = {{R"(BLK\.[01]\.attn_v)", TensorType::kQ8_0},
                            {"attn_(v|k)", TensorType::kQ5_K}};
  EXPECT_EQ(Types("Q4_K_S", Llama(8), "attn_v", overrides), "Q8_0*2 Q5_K*6");
  EXPECT_EQ(Types("Q4_K_S", Llama(8), "attn_k", overrides), "Q5_K*8");
  EXPECT_EQ(Types("Q4_K_S", Llama(8), "attn_q", overrides), "Q4_K*8");
  EXPECT_EQ(Types("F16", Llama(8), "attn_v", overrides), "F16*8");
  // Overridden tensors do not count among those whose number matters.
  overrides.tensor_types = {{R"(blk\.[01]\.)", TensorType::kQ8_0}};
  EXPECT_EQ(Types("Q4_K_S", Llama(8), "attn_v", overrides),
            "Q8_0*2 Q5_K*4 Q4_K*2");

  overrides.tensor_types = {{"attn_(v", TensorType::kQ8_0}};
  const auto bad = Choose("Q4_K_S", Llama(1), overrides);
  EXPECT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(bad.status().message(), HasSubstr("'attn_(v'"));
}

TEST(MixTest, NamesListedTwice) {
  const TensorInfo tensor = {"a.weight", TensorType::kF16, {256, 2}};
  EXPECT_THAT(ChooseTypes(*FindFileType("Q4_0"), ModelFacts(), {tensor, tensor},
                          MixOverrides())
                  .status()
                  .message(),
              HasSubstr("'a.weight' is listed twice"));
}

TEST(MixTest, ImportanceRequired) {
  const FileType& small = *FindFileType("Q2_K_S");
  const std::string name = "blk.0.attn_q.weight";
  EXPECT_TRUE(RequiresImportance(small, name, TensorType::kQ2_K));
  EXPECT_FALSE(RequiresImportance(small, name, TensorType::kQ4_K));
  EXPECT_FALSE(
      RequiresImportance(small, "token_embd.weight", TensorType::kQ2_K));
  EXPECT_FALSE(
      RequiresImportance(*FindFileType("Q2_K"), name, TensorType::kQ2_K));
  EXPECT_TRUE(
      RequiresImportance(*FindFileType("Q2_K"), name, TensorType::kIQ2_XS));
}

}  // namespace
}  // namespace quant
