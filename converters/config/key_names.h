// File: converters/config/key_names.h
//
// The names that config.json has had for one setting, in one list, for whoever
// reads a setting or fills one in. The first that has a value counts, in the
// order of llama.cpp's converter.

#ifndef CONVERTERS_CONFIG_KEY_NAMES_H_
#define CONVERTERS_CONFIG_KEY_NAMES_H_

#include "absl/strings/string_view.h"

namespace converters::key {

using Name = absl::string_view;

inline constexpr Name kBlocks[] = {"num_hidden_layers", "n_layers", "n_layer",
                                   "num_layers"};
inline constexpr Name kContext[] = {
    "max_position_embeddings", "n_ctx",           "n_positions", "max_length",
    "max_sequence_length",     "model_max_length"};
inline constexpr Name kHidden[] = {"hidden_size", "n_embd", "n_embed", "dim",
                                   "d_model"};
inline constexpr Name kFeedForward[] = {"prefix_dense_intermediate_size",
                                        "dense_intermediate_size",
                                        "intermediate_size",
                                        "n_inner",
                                        "ffn_hidden_size",
                                        "hidden_dim"};
inline constexpr Name kHeads[] = {"num_attention_heads", "n_head", "n_heads"};
inline constexpr Name kKvHeads[] = {"num_key_value_heads", "n_kv_heads"};
inline constexpr Name kHeadSize[] = {"head_dim"};
inline constexpr Name kVocabulary[] = {"vocab_size"};
inline constexpr Name kRmsEpsilon[] = {"rms_norm_eps", "norm_eps"};
inline constexpr Name kNormEpsilon[] = {"layer_norm_eps", "layer_norm_epsilon",
                                        "norm_epsilon"};
inline constexpr Name kExperts[] = {"num_local_experts", "num_experts",
                                    "n_routed_experts"};
inline constexpr Name kExpertsUsed[] = {
    "num_experts_per_tok", "num_experts_per_token", "top_k_experts"};
inline constexpr Name kGating[] = {
    "score_function",      "scoring_func",
    "score_func",          "moe_router_activation",
    "expert_selection_fn", "moe_router_activation_func",
    "router_score_func"};

// Rotary settings, which may also stand in an object of their own.
inline constexpr Name kRope[] = {"rope_parameters", "rope_scaling"};
inline constexpr Name kRopeTheta[] = {"global_rope_theta", "rope_global_theta",
                                      "rope_theta_global", "rope_theta",
                                      "rotary_emb_base"};
inline constexpr Name kLocalRopeTheta[] = {
    "local_rope_theta", "rope_local_theta", "rope_theta_local",
    "swa_rope_theta", "rope_local_base_freq"};
inline constexpr Name kRotaryShare[] = {"partial_rotary_factor", "rotary_pct",
                                        "rope_pct", "rope_percent"};
inline constexpr Name kOriginalContext[] = {"original_max_position_embeddings"};

}  // namespace converters::key

#endif  // CONVERTERS_CONFIG_KEY_NAMES_H_
