// Llama and its kin: Mistral, and Mixtral's experts.

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/rope_factors.h"
#include "converters/tensors.h"
#include "converters/vocab/special_tokens.h"
#include "converters/vocab/tokenizer_class.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {
    "LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM",
    "MixtralForCausalLM"};

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
};

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"mistral", vocab::kPlainTokenizerClass},
    {"mixtral", vocab::kPlainTokenizerClass},
    {"code_llama", "CodeLlamaTokenizer"},
};

// Models that are known by their number of tokens.
constexpr uint64_t kCodeLlamaVocabulary = 32016;
constexpr uint64_t kGraniteCodeVocabulary = 49152;

// CodeLlama's infill tokens stand at fixed ids. Only the end of turn has a key.
absl::Status AddCodeLlamaTokens(const vocab::TokenizerFiles& files,
                                gguf::Metadata& metadata) {
  constexpr uint32_t kEndOfTurn = 32010;
  ASSIGN_OR_RETURN(
      vocab::SpecialTokens special,
      vocab::LoadSpecialTokens(files, {"prefix", "suffix", "middle", "eot"},
                               std::nullopt));
  special.SetId("eot", kEndOfTurn);
  special.AppendTo(metadata);
  return absl::OkStatus();
}

vocab::Vocabulary LlamaVocabulary(uint64_t size) {
  vocab::Vocabulary vocabulary = {.kind = vocab::Kind::kLlama,
                                  .size = size,
                                  .tokenizer_classes = kTokenizerClasses};
  if (size == kCodeLlamaVocabulary) {
    vocabulary.finish = AddCodeLlamaTokens;
  } else if (size == kGraniteCodeVocabulary) {
    vocabulary.finish = [](const vocab::TokenizerFiles&,
                           gguf::Metadata& metadata) {
      metadata.Set("tokenizer.ggml.add_bos_token", false);
      return absl::OkStatus();
    };
  }
  return vocabulary;
}

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

  Tensors& t = model.tensors;
  RETURN_IF_ERROR(AddLlama3Factors(config, s.head_size, t));
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden);
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  const uint64_t q = s.heads * s.head_size, kv = s.kv_heads * s.head_size;
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    n.Matrix("attn_q", "self_attn.q_proj", q, s.hidden)
        .Rotary(s.heads)
        .MaybeBias();
    n.Matrix("attn_k", "self_attn.k_proj", kv, s.hidden)
        .Rotary(s.kv_heads)
        .MaybeBias();
    n.Matrix("attn_v", "self_attn.v_proj", kv, s.hidden).MaybeBias();
    n.Matrix("attn_output", "self_attn.o_proj", s.hidden, q).MaybeBias();
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    FeedForward(n, s, experts);
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("vocab_size", s.vocabulary);
  keys.Uint("rope.dimension_count", s.head_size);
  return keys.status();
}

}  // namespace

extern const Architecture kLlama = {"llama", kClasses, kConfigs, Describe};

}  // namespace converters
