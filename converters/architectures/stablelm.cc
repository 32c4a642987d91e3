// StableLM 3B, StableLM 2, StableCode.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"StableLmForCausalLM",
                                          "StableLMEpochForCausalLM"};

constexpr Field kFields[] = {
    {"layer_norm_eps", kFloat},       {"use_qkv_bias", kBool},
    {"qk_layernorm", kBool},          {"hidden_dropout", kNumber},
    {"use_parallel_residual", kBool},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "stablelm",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields, kFields},
     .defaults = R"({"vocab_size": 50304, "hidden_size": 2560,
                     "intermediate_size": 6912, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "num_key_value_heads": 32,
                     "layer_norm_eps": 1e-5, "max_position_embeddings": 4096,
                     "use_parallel_residual": false,
                     "tie_word_embeddings": false})",
     .rope = {.share_key = "partial_rotary_factor", .share = 0.25}},
};

// StableLM 2's vocabulary has the structure of GPT-4's, as DBRX has it.
constexpr vocab::PreTokenizerName kPreTokenizers[] = {{"dbrx", "stablelm2"},
                                                      {"qwen2", "stablelm2"}};

// The 12B has a norm for each head.
void HeadNorms(Names& n, const TextSizes& s) {
  if (!n.Has("self_attn.q_layernorm.norms.0.weight")) return;
  n.Add("attn_q_norm.weight", n.Stacked("self_attn.q_layernorm.norms.", s.heads,
                                        ".weight", {s.head_size}));
  n.Add("attn_k_norm.weight", n.Stacked("self_attn.k_layernorm.norms.",
                                        s.kv_heads, ".weight", {s.head_size}));
}

absl::Status AddKeys(const Config& config, const TextSizes& s, Model& model) {
  ASSIGN_OR_RETURN(const uint64_t rotated,
                   RotatedPart(config, 0.25, s.hidden / s.heads));
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", config.Uint({"max_position_embeddings"}));
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("block_count", s.blocks);
  keys.Uint("feed_forward_length", s.feed_forward);
  keys.Uint("rope.dimension_count", rotated);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", s.kv_heads);
  keys.Bool("use_parallel_residual",
            config.BoolOr({"use_parallel_residual"}, true));
  keys.Number("attention.layer_norm_epsilon",
              config.Number({"layer_norm_eps", "norm_eps"}));
  keys.FileType();
  return keys.status();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.size = s.vocabulary, .pre_tokenizers = kPreTokenizers};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden).MaybeBias();
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden).MaybeBias();
    Attention(n, s);
    HeadNorms(n, s);
    // Not where attention and feed-forward are parallel.
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden)
        .Optional()
        .MaybeBias();
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }
  return AddKeys(config, s, model);
}

}  // namespace

extern const Architecture kStablelm = {"stablelm", kClasses, kConfigs,
                                       Describe};

}  // namespace converters
