// BLOOM and BLOOMZ.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/tensor_view.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"BloomForCausalLM", "BloomModel"};

constexpr Field kFields[] = {
    {"hidden_size", kInt},
    {"n_embed", kInt | kNull},
    {"n_layer", kInt},
    {"n_head", kInt},
    {"layer_norm_epsilon", kFloat},
    {"hidden_dropout", kNumber},
    {"attention_dropout", kNumber},
    {"apply_residual_connection_post_layernorm", kBool},
    {"pretraining_tp", kInt},
    {"slow_but_exact", kBool},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "bloom",
     .fields = {kFields},
     .defaults = R"({"vocab_size": 250880, "hidden_size": 64, "n_layer": 2,
                     "n_head": 8, "layer_norm_epsilon": 1e-5,
                     "tie_word_embeddings": true})",
     .rope = {.is_used = false}},
};

// Query, key and value of a head stand together; GGUF wants all queries, then
// all keys, then all values.
TensorParts QueriesKeysValues(const TensorView& fused, const TextSizes& s) {
  return Join({fused.Grouped(s.heads, 0, s.head_size),
               fused.Grouped(s.heads, s.head_size, s.head_size),
               fused.Grouped(s.heads, 2 * s.head_size, s.head_size)});
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  ASSIGN_OR_RETURN(const uint64_t context,
                   config.UintOr({"seq_length"}, s.hidden));
  model.vocabulary = {.size = s.vocabulary};

  Tensors& t = model.tensors;
  t.CutFromNames("transformer.");
  t.Matrix("token_embd", "word_embeddings", s.vocabulary, s.hidden);
  t.Vector("token_embd_norm", "word_embeddings_layernorm", s.hidden).WithBias();
  t.Vector("output_norm", "ln_f", s.hidden).WithBias();
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "h.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden).WithBias();
    n.Matrix("attn_qkv", "self_attention.query_key_value",
             3 * s.heads * s.head_size, s.hidden)
        .WithBias()
        .Rows([&s](const TensorView& v) { return QueriesKeysValues(v, s); });
    n.Matrix("attn_output", "self_attention.dense", s.hidden, s.hidden)
        .WithBias();
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden).WithBias();
    n.Matrix("ffn_up", "mlp.dense_h_to_4h", 4 * s.hidden, s.hidden).WithBias();
    n.Matrix("ffn_down", "mlp.dense_4h_to_h", s.hidden, 4 * s.hidden)
        .WithBias();
  }

  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", context);
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("feed_forward_length", 4 * s.hidden);
  keys.Uint("block_count", s.blocks);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", s.heads);
  keys.Number("attention.layer_norm_epsilon",
              config.Number({"layer_norm_epsilon"}));
  keys.FileType();
  return keys.status();
}

}  // namespace

extern const Architecture kBloom = {"bloom", kClasses, kConfigs, Describe};

}  // namespace converters
