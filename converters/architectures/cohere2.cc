// Command R7B, Command A, Tiny Aya.

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

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"Cohere2ForCausalLM"};

constexpr Field kFields[] = {
    {"logit_scale", kFloat},
    {"layer_norm_eps", kFloat},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "cohere2",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields, kFields},
     .defaults = R"({"vocab_size": 256000, "hidden_size": 8192,
                     "intermediate_size": 22528, "num_hidden_layers": 40,
                     "num_attention_heads": 64, "layer_norm_eps": 1e-5,
                     "max_position_embeddings": 8192, "logit_scale": 0.0625,
                     "sliding_window": 4096, "tie_word_embeddings": true})",
     .derives_head_dim = true,
     .kv_heads_as_heads = true},
};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  ASSIGN_OR_RETURN(const bool is_tied,
                   config.BoolOr({"tie_word_embeddings"}, true));
  model.vocabulary.size = s.vocabulary;

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden);
  // The runtime has no other head than the embedding.
  if (is_tied) t.Drop("lm_head.weight", "");
  // Attention and feed-forward have one norm before them both; nothing has a
  // bias, for which the runtime has no place.
  const uint64_t q = s.heads * s.head_size, kv = s.kv_heads * s.head_size;
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    n.Matrix("attn_q", "self_attn.q_proj", q, s.hidden);
    n.Matrix("attn_k", "self_attn.k_proj", kv, s.hidden);
    n.Matrix("attn_v", "self_attn.v_proj", kv, s.hidden);
    n.Matrix("attn_output", "self_attn.o_proj", s.hidden, q);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }

  ASSIGN_OR_RETURN(const uint64_t rotated,
                   RotatedPart(config, 1, s.hidden / s.heads));
  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  keys.Number("logit_scale", config.Number({"logit_scale"}));
  keys.Uint("attention.sliding_window", config.Uint({"sliding_window"}));
  keys.Uint("vocab_size", s.vocabulary);
  keys.Uint("rope.dimension_count", rotated);
  keys.String("rope.scaling.type", "none");
  return keys.status();
}

}  // namespace

extern const Architecture kCohere2 = {"cohere2", kClasses, kConfigs, Describe};

}  // namespace converters
