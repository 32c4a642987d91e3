// GPT-NeoX and Pythia.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"GPTNeoXForCausalLM"};

constexpr Field kFields[] = {
    {"attention_dropout", kNumber},
    {"hidden_dropout", kNumber},
    {"classifier_dropout", kNumber},
    {"layer_norm_eps", kFloat},
    {"use_parallel_residual", kBool},
    {"attention_bias", kBool},
    {"is_decoder", kBool},
};
constexpr ConfigClass kConfigs[] = {
    {.model_type = "gpt_neox",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 50432, "hidden_size": 6144,
                     "intermediate_size": 24576, "num_hidden_layers": 44,
                     "num_attention_heads": 64, "layer_norm_eps": 1e-5,
                     "max_position_embeddings": 2048,
                     "use_parallel_residual": true,
                     "tie_word_embeddings": false})",
     .rope = {.theta_key = "rotary_emb_base",
              .share_key = "rotary_pct",
              .share = 0.25},
     .heads_divide_hidden = true},
};

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"gpt_neox", "GPTNeoXTokenizer"}};

// The rotated share of each head where config.json says nothing.
constexpr double kDefaultRotaryShare = 0.25;

// Query, key and value of a head stand together; GGUF wants all queries, then
// all keys, then all values.
TensorParts QueriesKeysValues(const TensorView& fused, const TextSizes& s) {
  return Join({fused.Grouped(s.heads, 0, s.head_size),
               fused.Grouped(s.heads, s.head_size, s.head_size),
               fused.Grouped(s.heads, 2 * s.head_size, s.head_size)});
}

void Attention(Names& n, const TextSizes& s, bool has_bias) {
  // Checkpoints of before attention_bias came to config.json all have biases.
  const auto bias = [has_bias](Target target) {
    has_bias ? target.WithBias() : target.MaybeBias();
  };
  bias(
      n.Matrix("attn_qkv", "attention.query_key_value",
               3 * s.heads * s.head_size, s.hidden)
          .Rows([&s](const TensorView& v) { return QueriesKeysValues(v, s); }));
  bias(n.Matrix("attn_output", "attention.dense", s.hidden, s.hidden));
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
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
  model.vocabulary = {.size = s.vocabulary,
                      .tokenizer_classes = kTokenizerClasses};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "gpt_neox.embed_in", s.vocabulary, s.hidden);
  t.Vector("output_norm", "gpt_neox.final_layer_norm", s.hidden).WithBias();
  t.Matrix("output", "embed_out", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "gpt_neox.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden).WithBias();
    Attention(n, s, attention_bias);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden).WithBias();
    n.Matrix("ffn_up", "mlp.dense_h_to_4h", s.feed_forward, s.hidden)
        .WithBias();
    n.Matrix("ffn_down", "mlp.dense_4h_to_h", s.hidden, s.feed_forward)
        .WithBias();
  }

  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", config.Uint({"max_position_embeddings"}));
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("block_count", s.blocks);
  keys.Uint("feed_forward_length", s.feed_forward);
  keys.Uint(
      "rope.dimension_count",
      static_cast<uint64_t>(rotary_share * static_cast<double>(s.head_size)));
  keys.Uint("attention.head_count", s.heads);
  keys.Bool("use_parallel_residual",
            config.BoolOr({"use_parallel_residual"}, true));
  keys.Number("attention.layer_norm_epsilon",
              config.Number({"layer_norm_eps"}));
  return keys.status();
}

}  // namespace

extern const Architecture kGptNeox = {"gptneox", kClasses, kConfigs, Describe};

}  // namespace converters
