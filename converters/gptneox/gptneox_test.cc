#include "converters/gptneox/gptneox.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "converters/fake_source.h"
#include "converters/reference_plan.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

constexpr char kCheckpoint[] = "testdata/generated/tiny-gpt-neox";

TEST(GptNeoxTest, FusedQueriesKeysValues) {
  ExpectReferencePlan(kCheckpoint, "gptneox");
}

// One block of 2 heads without attention biases.
FakeSource WithoutAttentionBiases() {
  FakeSource source;
  source.Add("gpt_neox.embed_in.weight", {2000, 8});
  const auto add = [&source](const std::string& name,
                             std::vector<uint64_t> shape, bool bias) {
    if (bias) source.Add(name + ".bias", {shape[0]});
    source.Add(name + ".weight", std::move(shape));
  };
  const std::string layer = "gpt_neox.layers.0.";
  add(layer + "input_layernorm", {8}, true);
  add(layer + "post_attention_layernorm", {8}, true);
  add(layer + "attention.query_key_value", {24, 8}, false);
  add(layer + "attention.dense", {8, 8}, false);
  add(layer + "mlp.dense_h_to_4h", {32, 8}, true);
  add(layer + "mlp.dense_4h_to_h", {8, 32}, true);
  add("gpt_neox.final_layer_norm", {8}, true);
  return source;
}

TEST(GptNeoxTest, AttentionBiasesAreRequiredUnlessConfigSaysThereAreNone) {
  const FakeSource source = WithoutAttentionBiases();
  nlohmann::json config = {{"architectures", {"GPTNeoXForCausalLM"}},
                           {"model_type", "gpt_neox"},
                           {"num_hidden_layers", 1},
                           {"hidden_size", 8},
                           {"num_attention_heads", 2},
                           {"intermediate_size", 32},
                           {"vocab_size", 2000},
                           {"max_position_embeddings", 64},
                           {"layer_norm_eps", 1e-5}};
  const auto plan = [&] {
    return GptNeoxConverter().Plan({kCheckpoint, &config, &source, {}});
  };
  EXPECT_NE(plan().status().message().find("query_key_value.bias"),
            std::string::npos)
      << plan().status();
  config["attention_bias"] = false;
  ASSERT_TRUE(plan().ok()) << plan().status();
  EXPECT_EQ(plan()->tensors.size(), source.tensors().size());
}

}  // namespace
}  // namespace converters
