// StarCoder 2.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/text_model.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"Starcoder2ForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt},
    {"norm_epsilon", kFloat},
    {"sliding_window", kInt | kNull},
    {"attention_dropout", kNumber},
    {"residual_dropout", kNumber},
    {"embedding_dropout", kNumber},
    {"use_bias", kBool},
};
constexpr ConfigClass kConfigs[] = {
    {.model_type = "starcoder2",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 49152, "hidden_size": 3072,
                     "intermediate_size": 12288, "num_hidden_layers": 30,
                     "num_attention_heads": 24, "num_key_value_heads": 2,
                     "norm_epsilon": 1e-5, "max_position_embeddings": 4096,
                     "use_bias": true, "tie_word_embeddings": true})"},
};

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"starcoder2", "GPT2Tokenizer"}};

// Newer transformers write into every file that spaces are kept; here that must
// not tell the model from its descendants.
constexpr vocab::PreTokenizerName kPreTokenizers[] = {{"smollm", "starcoder"}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.size = s.vocabulary,
                      .pre_tokenizers = kPreTokenizers,
                      .tokenizer_classes = kTokenizerClasses};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden).WithBias();
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  const uint64_t kv = s.kv_heads * s.head_size;
  // Hugging Face's order of rows in a head is the runtime's own, so nothing is
  // permuted. use_bias can be false.
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden).WithBias();
    n.Matrix("attn_q", "self_attn.q_proj", s.hidden, s.hidden).MaybeBias();
    n.Matrix("attn_k", "self_attn.k_proj", kv, s.hidden).MaybeBias();
    n.Matrix("attn_v", "self_attn.v_proj", kv, s.hidden).MaybeBias();
    n.Matrix("attn_output", "self_attn.o_proj", s.hidden, s.hidden).MaybeBias();
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden).WithBias();
    n.Matrix("ffn_up", "mlp.c_fc", s.feed_forward, s.hidden).MaybeBias();
    n.Matrix("ffn_down", "mlp.c_proj", s.hidden, s.feed_forward).MaybeBias();
  }
  return AddTextParameters(model.architecture, config, model.keys);
}

}  // namespace

extern const Architecture kStarcoder2 = {"starcoder2", kClasses, kConfigs,
                                         Describe};

}  // namespace converters
