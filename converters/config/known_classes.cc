#include "converters/config/known_classes.h"

#include "absl/types/span.h"
#include "converters/config/config_class.h"

namespace converters {
namespace {

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

constexpr Field kGptBigcodeFields[] = {
    {"n_positions", kInt},
    {"n_embd", kInt},
    {"n_layer", kInt},
    {"n_head", kInt},
    {"n_inner", kInt | kNull},
    {"activation_function", kString},
    {"resid_pdrop", kNumber},
    {"embd_pdrop", kNumber},
    {"attn_pdrop", kNumber},
    {"layer_norm_epsilon", kFloat},
    {"scale_attn_weights", kBool},
    {"attention_softmax_in_fp32", kBool},
    {"scale_attention_softmax_in_fp32", kBool},
    {"multi_query", kBool},
    {"add_cross_attention", kBool},
};

constexpr Field kStarcoder2Fields[] = {
    {"num_key_value_heads", kInt},
    {"norm_epsilon", kFloat},
    {"sliding_window", kInt | kNull},
    {"attention_dropout", kNumber},
    {"residual_dropout", kNumber},
    {"embedding_dropout", kNumber},
    {"use_bias", kBool},
};

constexpr Field kFalconFields[] = {
    {"num_ln_in_parallel_attn", kInt | kNull},
    {"layer_norm_epsilon", kFloat | kNull},
    {"hidden_dropout", kNumber | kNull},
    {"attention_dropout", kNumber | kNull},
    {"num_kv_heads", kInt | kNull},
    {"alibi", kBool | kNull},
    {"new_decoder_architecture", kBool | kNull},
    {"multi_query", kBool | kNull},
    {"parallel_attn", kBool | kNull},
    {"bias", kBool | kNull},
    {"ffn_hidden_size", kInt | kNull},
    {"activation", kString | kNull},
};

constexpr Field kGptNeoxFields[] = {
    {"attention_dropout", kNumber},
    {"hidden_dropout", kNumber},
    {"classifier_dropout", kNumber},
    {"layer_norm_eps", kFloat},
    {"use_parallel_residual", kBool},
    {"attention_bias", kBool},
    {"is_decoder", kBool},
};

constexpr ConfigClass kClasses[] = {
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
    {.model_type = "gpt_bigcode",
     .fields = {kGptBigcodeFields},
     .defaults = R"({"vocab_size": 50257, "n_embd": 768, "n_layer": 12,
                     "n_head": 12, "n_positions": 1024,
                     "layer_norm_epsilon": 1e-5, "multi_query": true,
                     "tie_word_embeddings": true})",
     .rope = {.is_used = false}},
    {.model_type = "starcoder2",
     .fields = {kSizeFields, kFeedForwardFields, kStarcoder2Fields},
     .defaults = R"({"vocab_size": 49152, "hidden_size": 3072,
                     "intermediate_size": 12288, "num_hidden_layers": 30,
                     "num_attention_heads": 24, "num_key_value_heads": 2,
                     "norm_epsilon": 1e-5, "max_position_embeddings": 4096,
                     "use_bias": true, "tie_word_embeddings": true})"},
    // No default for num_kv_heads: transformers gives the number of heads,
    // which holds for neither of the layouts that have fewer.
    {.model_type = "falcon",
     .fields = {kSizeFields, kFalconFields},
     .defaults = R"({"vocab_size": 65024, "hidden_size": 4544,
                     "num_hidden_layers": 32, "num_attention_heads": 71,
                     "layer_norm_epsilon": 1e-5, "multi_query": true,
                     "max_position_embeddings": 2048,
                     "tie_word_embeddings": true})"},
    {.model_type = "gpt_neox",
     .fields = {kSizeFields, kFeedForwardFields, kGptNeoxFields},
     .defaults = R"({"vocab_size": 50432, "hidden_size": 6144,
                     "intermediate_size": 24576, "num_hidden_layers": 44,
                     "num_attention_heads": 64, "layer_norm_eps": 1e-5,
                     "max_position_embeddings": 2048,
                     "use_parallel_residual": true,
                     "tie_word_embeddings": false})",
     .rope = {.theta_key = "rotary_emb_base",
              .share_key = "rotary_pct",
              .share = 0.25},
     .heads_divide_hidden = true},
};

}  // namespace

absl::Span<const ConfigClass> KnownClasses() { return kClasses; }

}  // namespace converters
