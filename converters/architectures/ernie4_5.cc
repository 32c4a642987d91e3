// ERNIE 4.5, with separate matrices or, as PaddlePaddle has them, with fused
// ones.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/tensor_view.h"
#include "converters/tensors.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"Ernie4_5ForCausalLM",
                                          "Ernie4_5_ForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"head_dim", kInt | kNull},
    {"rms_norm_eps", kFloat},
    {"use_bias", kBool | kNull},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "ernie4_5",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 103424, "hidden_size": 1024,
                     "intermediate_size": 3072, "num_hidden_layers": 18,
                     "num_attention_heads": 16, "num_key_value_heads": 2,
                     "head_dim": 128, "rms_norm_eps": 1e-5,
                     "max_position_embeddings": 131072,
                     "tie_word_embeddings": true})",
     .rope = {.theta = 500000.0},
     .derives_head_dim = true,
     .kv_heads_as_heads = true},
};

void FusedAttention(Names& n, const TextSizes& s) {
  const uint64_t q = s.heads * s.head_size, kv = s.kv_heads * s.head_size;
  const TensorView fused =
      n.View("self_attn.qkv_proj.weight", {q + 2 * kv, s.hidden});
  n.Add("attn_q.weight", fused.Slice(0, 0, q));
  n.Add("attn_k.weight", fused.Slice(0, q, kv));
  n.Add("attn_v.weight", fused.Slice(0, q + kv, kv));
  n.Matrix("attn_output", "self_attn.o_proj", s.hidden, q).MaybeBias();
}

void FusedFeedForward(Names& n, const TextSizes& s) {
  const TensorView fused =
      n.View("mlp.up_gate_proj.weight", {2 * s.feed_forward, s.hidden});
  n.Add("ffn_gate.weight", fused.Slice(0, 0, s.feed_forward));
  n.Add("ffn_up.weight", fused.Slice(0, s.feed_forward, s.feed_forward));
  n.Matrix("ffn_down", "mlp.down_proj", s.hidden, s.feed_forward).MaybeBias();
}

absl::Status AddSpacePrefix(const vocab::TokenizerFiles& files,
                            gguf::Metadata& metadata) {
  if (const auto prefix =
          base::BoolMember(files.tokenizer_config, "add_prefix_space")) {
    metadata.Set("tokenizer.ggml.add_space_prefix", *prefix);
  }
  return absl::OkStatus();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.kind = vocab::Kind::kSentencePiece,
                      .size = s.vocabulary,
                      .finish = AddSpacePrefix};

  Tensors& t = model.tensors;
  t.Rename([](absl::string_view name) {
    return absl::StrReplaceAll(name, {{"ernie.", "model."}});
  });
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    if (n.Has("self_attn.qkv_proj.weight")) {
      FusedAttention(n, s);
    } else {
      Attention(n, s);
    }
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    if (n.Has("mlp.up_gate_proj.weight")) {
      FusedFeedForward(n, s);
    } else {
      GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
    }
  }
  return AddTextParameters(model.architecture, config, model.keys);
}

}  // namespace

extern const Architecture kErnie45 = {"ernie4_5", kClasses, kConfigs, Describe};

}  // namespace converters
