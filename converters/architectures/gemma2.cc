// Gemma 2.

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
#include "converters/tensors.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"Gemma2ForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt},
    {"head_dim", kInt},
    {"rms_norm_eps", kFloat},
    {"sliding_window", kInt | kNull},
    {"attn_logit_softcapping", kFloat | kNull},
    {"final_logit_softcapping", kFloat | kNull},
};
constexpr ConfigClass kConfigs[] = {
    {.model_type = "gemma2",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 256000, "hidden_size": 2304,
                     "intermediate_size": 9216, "num_hidden_layers": 26,
                     "num_attention_heads": 8, "num_key_value_heads": 4,
                     "head_dim": 256, "max_position_embeddings": 8192,
                     "rms_norm_eps": 1e-6, "sliding_window": 4096,
                     "attn_logit_softcapping": 50.0,
                     "final_logit_softcapping": 30.0})"}};

// Norms are stored around 0, and the runtime multiplies with what is around 1.
void Norm(Names& n, absl::string_view target, absl::string_view source,
          uint64_t size) {
  n.Vector(target, source, size).Map(ValueMap::AddOne());
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {
      .kind = vocab::Kind::kSentencePiece,
      .size = s.vocabulary,
      .finish = [](const vocab::TokenizerFiles&, gguf::Metadata& metadata) {
        metadata.Set("tokenizer.ggml.add_space_prefix", false);
        return absl::OkStatus();
      }};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  Norm(t, "output_norm", "model.norm", s.hidden);
  t.Drop("lm_head.weight", "");  // always the embedding
  const uint64_t q = s.heads * s.head_size, kv = s.kv_heads * s.head_size;
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    Norm(n, "attn_norm", "input_layernorm", s.hidden);
    n.Matrix("attn_q", "self_attn.q_proj", q, s.hidden);
    n.Matrix("attn_k", "self_attn.k_proj", kv, s.hidden);
    n.Matrix("attn_v", "self_attn.v_proj", kv, s.hidden);
    n.Matrix("attn_output", "self_attn.o_proj", s.hidden, q);
    Norm(n, "post_attention_norm", "post_attention_layernorm", s.hidden);
    Norm(n, "ffn_norm", "pre_feedforward_layernorm", s.hidden);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
    Norm(n, "post_ffw_norm", "post_feedforward_layernorm", s.hidden);
  }

  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", config.Uint(key::kContext));
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("block_count", s.blocks);
  keys.Uint("feed_forward_length", s.feed_forward);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", s.kv_heads);
  keys.Number("attention.layer_norm_rms_epsilon",
              config.Number(key::kRmsEpsilon));
  keys.Uint("attention.key_length", s.head_size);
  keys.Uint("attention.value_length", s.head_size);
  keys.FileType();
  keys.Number("attn_logit_softcapping",
              config.OptionalNumber({"attn_logit_softcapping"}));
  keys.Number("final_logit_softcapping",
              config.OptionalNumber({"final_logit_softcapping"}));
  keys.Uint("attention.sliding_window",
            config.OptionalUint({"sliding_window"}));
  return keys.status();
}

}  // namespace

extern const Architecture kGemma2 = {"gemma2", kClasses, kConfigs, Describe};

}  // namespace converters
