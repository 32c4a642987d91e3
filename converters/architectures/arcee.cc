// Arcee's AFM: Llama with a feed-forward of two matrices.

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/pooling.h"
#include "converters/rope_factors.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"ArceeForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"head_dim", kInt | kNull},
    {"rms_norm_eps", kFloat},
    {"attention_bias", kBool},
    {"mlp_bias", kBool},
    {"attention_dropout", kNumber},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "arcee",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 32000, "hidden_size": 2560,
                     "intermediate_size": 18432, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "rms_norm_eps": 1e-5,
                     "max_position_embeddings": 4096,
                     "tie_word_embeddings": false})",
     .heads_divide_hidden = true,
     .derives_head_dim = true,
     .kv_heads_as_heads = true},
};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  model.vocabulary = LlamaVocabulary(s.vocabulary);

  Tensors& t = model.tensors;
  RETURN_IF_ERROR(AddLlama3Factors(config, s.head_size, t));
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    Attention(n, s, RotaryOrder::kPairs);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    n.Matrix("ffn_up", "mlp.up_proj", s.feed_forward, s.hidden).MaybeBias();
    n.Matrix("ffn_down", "mlp.down_proj", s.hidden, s.feed_forward).MaybeBias();
  }

  RETURN_IF_ERROR(
      AddLlamaParameters(model.architecture, config, s, model.keys));
  return AddPooling(model.input.directory, model.architecture, model.keys);
}

}  // namespace

extern const Architecture kArcee = {"arcee", kClasses, kConfigs, Describe};

}  // namespace converters
