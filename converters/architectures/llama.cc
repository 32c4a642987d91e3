// Llama and its kin: Mistral, Mixtral with its experts, and what has one of
// them for its text model.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/rope_factors.h"
#include "converters/tensors.h"
#include "converters/vocab/tokenizer_class.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {
    "LlamaForCausalLM",   "LLaMAForCausalLM",
    "LlamaModel",         "MistralForCausalLM",
    "MixtralForCausalLM", "IQuestCoderForCausalLM",
    "VLlama3ForCausalLM", "LlavaForConditionalGeneration"};

constexpr Field kLlamaFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"head_dim", kInt | kNull},
    {"rms_norm_eps", kFloat},
    {"pretraining_tp", kInt | kNull},
    {"attention_bias", kBool},
    {"attention_dropout", kNumber | kNull},
    {"mlp_bias", kBool},
};

constexpr Field kMistralFields[] = {
    {"num_key_value_heads", kInt},    {"head_dim", kInt | kNull},
    {"rms_norm_eps", kFloat},         {"attention_dropout", kNumber},
    {"sliding_window", kInt | kNull},
};

constexpr Field kExpertFields[] = {
    {"num_experts_per_tok", kInt},   {"num_local_experts", kInt},
    {"output_router_logits", kBool}, {"router_aux_loss_coef", kFloat},
    {"router_jitter_noise", kFloat},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "llama",
     .fields = {kSizeFields, kFeedForwardFields, kLlamaFields},
     .defaults = R"({"vocab_size": 32000, "hidden_size": 4096,
                     "intermediate_size": 11008, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "rms_norm_eps": 1e-6,
                     "max_position_embeddings": 2048,
                     "tie_word_embeddings": false})",
     .heads_divide_hidden = true,
     .derives_head_dim = true,
     .kv_heads_as_heads = true},
    {.model_type = "mistral",
     .fields = {kSizeFields, kFeedForwardFields, kMistralFields},
     .defaults = R"({"vocab_size": 32000, "hidden_size": 4096,
                     "intermediate_size": 14336, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "num_key_value_heads": 8,
                     "rms_norm_eps": 1e-6, "max_position_embeddings": 131072,
                     "tie_word_embeddings": false})",
     .derives_head_dim = true},
    {.model_type = "mixtral",
     .fields = {kSizeFields, kFeedForwardFields, kMistralFields, kExpertFields},
     .defaults = R"({"vocab_size": 32000, "hidden_size": 4096,
                     "intermediate_size": 14336, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "num_key_value_heads": 8,
                     "rms_norm_eps": 1e-5, "max_position_embeddings": 131072,
                     "num_local_experts": 8, "num_experts_per_tok": 2,
                     "tie_word_embeddings": false})",
     .rope = {.theta = 1000000.0}},
    // Pixtral and LLaVA, of which the text model counts.
    {.model_type = "llava",
     .rope = {.is_used = false},
     .text_model_type = "llama"},
};

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"mistral", vocab::kPlainTokenizerClass},
    {"mixtral", vocab::kPlainTokenizerClass},
    {"code_llama", "CodeLlamaTokenizer"},
};

void FeedForward(Names& n, const TextSizes& s, uint64_t experts) {
  if (experts == 0) {
    return GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }
  n.Matrix("ffn_gate_inp", "block_sparse_moe.gate", experts, s.hidden);
  n.Experts("block_sparse_moe.experts.", experts,
            {{"ffn_gate_exps", "w1", {s.feed_forward, s.hidden}},
             {"ffn_down_exps", "w2", {s.hidden, s.feed_forward}},
             {"ffn_up_exps", "w3", {s.feed_forward, s.hidden}}});
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  ASSIGN_OR_RETURN(const uint64_t experts,
                   config.UintOr({"num_local_experts"}, 0));
  model.vocabulary = LlamaVocabulary(s.vocabulary);
  model.vocabulary.tokenizer_classes = kTokenizerClasses;

  Tensors& t = model.tensors;
  DropMultimodal(t);
  t.CutFromNames("text_model.");
  t.MayLack("model.");
  RETURN_IF_ERROR(AddLlama3Factors(config, s.head_size, t));
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    Attention(n, s, RotaryOrder::kPairs);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    FeedForward(n, s, experts);
  }

  return AddLlamaParameters(model.architecture, config, s, model.keys);
}

}  // namespace

extern const Architecture kLlama = {"llama", kClasses, kConfigs, Describe};

}  // namespace converters
