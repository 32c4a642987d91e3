#include "converters/gptneox/gptneox.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/converter.h"
#include "converters/model_plan.h"
#include "converters/row_maps.h"
#include "converters/tensor_rules.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kName = "gptneox";
constexpr absl::string_view kHuggingFaceNames[] = {"GPTNeoXForCausalLM"};

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"gpt_neox", "GPTNeoXTokenizer"}};

// The rotated share of each head where config.json says nothing.
constexpr double kDefaultRotaryShare = 0.25;

// Query, key and value of a head stand together; GGUF wants all queries, then
// all keys, then all values.
std::vector<RowMap> QueriesKeysValues(const TextSizes& s) {
  std::vector<RowMap> maps;
  for (uint64_t part = 0; part < 3; ++part) {
    maps.push_back(
        GroupedRows(s.heads, 3 * s.head_size, part * s.head_size, s.head_size));
  }
  return maps;
}

// Checkpoints of before attention_bias came to config.json all have biases.
TensorRules Tensors(const TextSizes& s, bool attention_bias) {
  const auto with_bias = [attention_bias](TensorRule rule) {
    return attention_bias ? std::move(rule).WithBias()
                          : std::move(rule).MaybeBias();
  };
  const std::string layer = "gpt_neox.layers.{}.";
  return {
      .architecture = kName,
      .blocks = s.blocks,
      .rules =
          {
              {"gpt_neox.embed_in", "token_embd", {s.vocabulary, s.hidden}},
              TensorRule(layer + "input_layernorm", "blk.{}.attn_norm",
                         {s.hidden})
                  .WithBias(),
              TensorRule(layer + "post_attention_layernorm", "blk.{}.ffn_norm",
                         {s.hidden})
                  .WithBias(),
              with_bias({layer + "attention.query_key_value",
                         "blk.{}.attn_qkv",
                         {3 * s.heads * s.head_size, s.hidden},
                         QueriesKeysValues(s)}),
              with_bias({layer + "attention.dense",
                         "blk.{}.attn_output",
                         {s.hidden, s.hidden}}),
              TensorRule(layer + "mlp.dense_h_to_4h", "blk.{}.ffn_up",
                         {s.feed_forward, s.hidden})
                  .WithBias(),
              TensorRule(layer + "mlp.dense_4h_to_h", "blk.{}.ffn_down",
                         {s.hidden, s.feed_forward})
                  .WithBias(),
              TensorRule("gpt_neox.final_layer_norm", "output_norm", {s.hidden})
                  .WithBias(),
              TensorRule("embed_out", "output", {s.vocabulary, s.hidden})
                  .Optional(),
          },
  };
}

class GptNeox final : public Architecture {
 public:
  GptNeox() : Architecture(kName, kHuggingFaceNames) {}

 private:
  absl::StatusOr<Description> Describe(const Config& config) const override {
    ASSIGN_OR_RETURN(const TextSizes sizes, ReadTextSizes(config));
    ASSIGN_OR_RETURN(
        const double rotary_share,
        config.Rope().NumberOr({"partial_rotary_factor"}, kDefaultRotaryShare));
    if (!(rotary_share >= 0 && rotary_share <= 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("config.json: rotary_pct (partial_rotary_factor) is ",
                       rotary_share, ", expected a share between 0 and 1"));
    }
    ASSIGN_OR_RETURN(const bool attention_bias,
                     config.BoolOr({"attention_bias"}, true));
    Description model = {
        .tensors = Tensors(sizes, attention_bias),
        .vocabulary = {.size = sizes.vocabulary,
                       .tokenizer_classes = kTokenizerClasses}};
    KeyWriter keys(kName, model.parameters);
    keys.Uint("context_length", config.Uint({"max_position_embeddings"}));
    keys.Uint("embedding_length", sizes.hidden);
    keys.Uint("block_count", sizes.blocks);
    keys.Uint("feed_forward_length", sizes.feed_forward);
    keys.Uint("rope.dimension_count",
              static_cast<uint64_t>(rotary_share *
                                    static_cast<double>(sizes.head_size)));
    keys.Uint("attention.head_count", sizes.heads);
    keys.Bool("use_parallel_residual",
              config.BoolOr({"use_parallel_residual"}, true));
    keys.Number("attention.layer_norm_epsilon",
                config.Number({"layer_norm_eps"}));
    RETURN_IF_ERROR(keys.status());
    return model;
  }
};

}  // namespace

const Converter& GptNeoxConverter() {
  static const GptNeox* const converter = new GptNeox;
  return *converter;
}

}  // namespace converters
