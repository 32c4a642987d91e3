// Command-R, Command-R+, Aya.

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

constexpr absl::string_view kClasses[] = {"CohereForCausalLM"};

constexpr Field kFields[] = {
    {"logit_scale", kFloat | kNull},
    {"layer_norm_eps", kFloat | kNull},
    {"use_qk_norm", kBool | kNull},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "cohere",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields, kFields},
     .defaults = R"({"vocab_size": 256000, "hidden_size": 8192,
                     "intermediate_size": 22528, "num_hidden_layers": 40,
                     "num_attention_heads": 64, "layer_norm_eps": 1e-5,
                     "max_position_embeddings": 8192, "logit_scale": 0.0625,
                     "tie_word_embeddings": true})",
     .rope = {.theta = 500000.0},
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
  // Attention and feed-forward have one norm before them both.
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    Attention(n, s);
    n.Matrix("attn_q_norm", "self_attn.q_norm", s.heads, s.head_size)
        .Optional();
    n.Matrix("attn_k_norm", "self_attn.k_norm", s.kv_heads, s.head_size)
        .Optional();
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  // max_position_embeddings is less than what the model was trained with.
  keys.Uint("context_length",
            config.Uint({"model_max_length", "max_position_embeddings"}));
  keys.Number("logit_scale", config.Number({"logit_scale"}));
  keys.String("rope.scaling.type", "none");
  return keys.status();
}

}  // namespace

extern const Architecture kCommandR = {"command-r", kClasses, kConfigs,
                                       Describe};

}  // namespace converters
