// Phi-1, Phi-1.5, Phi-2.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_names.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"PhiForCausalLM"};

constexpr Field kFields[] = {
    {"resid_pdrop", kNumber},
    {"embd_pdrop", kNumber},
    {"layer_norm_eps", kFloat},
    {"qk_layernorm", kBool},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "phi",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields, kFields},
     .defaults = R"({"vocab_size": 51200, "hidden_size": 2048,
                     "intermediate_size": 8192, "num_hidden_layers": 24,
                     "num_attention_heads": 32, "layer_norm_eps": 1e-5,
                     "max_position_embeddings": 2048,
                     "tie_word_embeddings": false})",
     .rope = {.share_key = "partial_rotary_factor", .share = 0.5},
     .kv_heads_as_heads = true},
};

constexpr vocab::PreTokenizerName kPreTokenizers[] = {{"gpt-2", "phi-2"}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(TextSizes s, ReadTextSizes(config));
  // What the runtime goes by.
  s.feed_forward = 4 * s.hidden;
  s.kv_heads = s.heads;
  model.vocabulary = {.size = s.vocabulary, .pre_tokenizers = kPreTokenizers};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.final_layernorm", s.hidden).WithBias();
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).WithBias();
  // Attention and feed-forward have one norm before them both.
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden).WithBias();
    n.Matrix("attn_q", "self_attn.q_proj", s.hidden, s.hidden).WithBias();
    n.Matrix("attn_k", "self_attn.k_proj", s.hidden, s.hidden).WithBias();
    n.Matrix("attn_v", "self_attn.v_proj", s.hidden, s.hidden).WithBias();
    n.Matrix("attn_output", "self_attn.dense", s.hidden, s.hidden).WithBias();
    n.Matrix("ffn_up", "mlp.fc1", s.feed_forward, s.hidden).WithBias();
    n.Matrix("ffn_down", "mlp.fc2", s.hidden, s.feed_forward).WithBias();
  }

  ASSIGN_OR_RETURN(const uint64_t rotated, RotatedPart(config, 0.5, s.hidden));
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length",
            config.Uint({"n_positions", "max_position_embeddings"}));
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("feed_forward_length", s.feed_forward);
  keys.Uint("block_count", s.blocks);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", s.kv_heads);
  keys.Number("attention.layer_norm_epsilon",
              config.Number({"layer_norm_epsilon", "layer_norm_eps"}));
  keys.Uint("rope.dimension_count", rotated / s.heads);
  keys.FileType();
  // Its place only: the tokenizer has the last word.
  model.keys.Set("tokenizer.ggml.add_bos_token", false);
  return keys.status();
}

}  // namespace

extern const Architecture kPhi2 = {"phi2", kClasses, kConfigs, Describe};

}  // namespace converters
