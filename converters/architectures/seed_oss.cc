// Seed-OSS.

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"SeedOssForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"head_dim", kInt | kNull},
    {"rms_norm_eps", kFloat},
    {"pretraining_tp", kInt},
    {"attention_bias", kBool},
    {"attention_out_bias", kBool},
    {"mlp_bias", kBool},
    {"attention_dropout", kNumber},
    {"residual_dropout", kNumber},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "seed_oss",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 155136, "hidden_size": 4096,
                     "intermediate_size": 27648, "num_hidden_layers": 64,
                     "num_attention_heads": 80, "num_key_value_heads": 8,
                     "head_dim": 128, "rms_norm_eps": 1e-6,
                     "max_position_embeddings": 524288,
                     "tie_word_embeddings": false})",
     .derives_head_dim = true,
     .kv_heads_as_heads = true},
};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.size = s.vocabulary};

  Tensors& t = model.tensors;
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    Attention(n, s);
    n.Vector("post_attention_norm", "post_attention_layernorm", s.hidden);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }
  return AddTextParameters(model.architecture, config, model.keys);
}

}  // namespace

extern const Architecture kSeedOss = {"seed_oss", kClasses, kConfigs, Describe};

}  // namespace converters
