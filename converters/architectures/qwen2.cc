// Qwen 1.5, 2 and 2.5, and embedding models made of them.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/text_model.h"
#include "converters/pooling.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"Qwen2ForCausalLM", "Qwen2Model",
                                          "KORMoForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt | kNull}, {"rms_norm_eps", kFloat},
    {"sliding_window", kInt | kNull},      {"use_sliding_window", kBool},
    {"max_window_layers", kInt},           {"attention_dropout", kNumber},
};
constexpr ConfigClass kConfigs[] = {
    {.model_type = "qwen2",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 151936, "hidden_size": 4096,
                     "intermediate_size": 22016, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "num_key_value_heads": 32,
                     "max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
                     "use_sliding_window": false, "sliding_window": null})",
     .kv_heads_as_heads = true}};

// DeepSeek's distilled models begin every text with a token.
constexpr vocab::PreTokenizerName kPreTokenizers[] = {
    {"qwen2", "deepseek-r1-qwen", vocab::Condition::kAddsBos}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.kind = vocab::Kind::kSentencePieceOrByteLevel,
                      .size = s.vocabulary,
                      .pre_tokenizers = kPreTokenizers};

  Tensors& t = model.tensors;
  t.MayLack("model.");
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden);
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  const uint64_t q = s.heads * s.head_size, kv = s.kv_heads * s.head_size;
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    n.Matrix("attn_q", "self_attn.q_proj", q, s.hidden).MaybeBias();
    n.Matrix("attn_k", "self_attn.k_proj", kv, s.hidden).MaybeBias();
    n.Matrix("attn_v", "self_attn.v_proj", kv, s.hidden).MaybeBias();
    n.Matrix("attn_output", "self_attn.o_proj", s.hidden, q);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  return AddPooling(model.input.directory, model.architecture, model.keys);
}

}  // namespace

extern const Architecture kQwen2 = {"qwen2", kClasses, kConfigs, Describe};

}  // namespace converters
