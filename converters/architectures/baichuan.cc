// Baichuan and Baichuan 2.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"BaichuanForCausalLM",
                                          "BaiChuanForCausalLM"};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  model.vocabulary = {.kind = vocab::Kind::kSentencePiece,
                      .size = s.vocabulary};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden);
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    // Queries and keys are permuted for rotary positions even in the 13B
    // models, which have none: the permutation of both leaves their products as
    // they are.
    const TensorView pack =
        n.View("self_attn.W_pack.weight", {3 * s.hidden, s.hidden});
    n.Add("attn_q.weight", pack.Slice(0, 0, s.hidden).Rotary(s.heads));
    n.Add("attn_k.weight", pack.Slice(0, s.hidden, s.hidden).Rotary(s.heads));
    n.Add("attn_v.weight", pack.Slice(0, 2 * s.hidden, s.hidden));
    n.Matrix("attn_output", "self_attn.o_proj", s.hidden, s.hidden);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  keys.String("tensor_data_layout", "Meta AI original pth");
  keys.Uint("rope.dimension_count", s.head_size);
  return keys.status();
}

}  // namespace

extern const Architecture kBaichuan = {"baichuan", kClasses, {}, Describe};

}  // namespace converters
