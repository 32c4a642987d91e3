// Orion: Llama with layer norms.

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"OrionForCausalLM"};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.kind = vocab::Kind::kSentencePiece,
                      .size = s.vocabulary};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden).WithBias();
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden).WithBias();
    Attention(n, s);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden).WithBias();
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }

  KeyWriter keys(model.architecture, model.keys);
  keys.FileType();
  keys.String("tensor_data_layout", "Meta AI original pth");
  keys.Uint("context_length",
            config.Uint({"max_sequence_length", "max_position_embeddings",
                         "model_max_length"}));
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("block_count", s.blocks);
  keys.Uint("feed_forward_length", s.feed_forward);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", s.kv_heads);
  // That of layer norms, whatever config.json calls it.
  keys.Number("attention.layer_norm_epsilon", config.Number({"rms_norm_eps"}));
  return keys.status();
}

}  // namespace

extern const Architecture kOrion = {"orion", kClasses, {}, Describe};

}  // namespace converters
