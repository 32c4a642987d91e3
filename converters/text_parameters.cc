#include "converters/text_parameters.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "converters/config.h"
#include "converters/key_writer.h"
#include "gguf/metadata.h"

namespace converters {
namespace {

void AddYarn(const Config& rope, KeyWriter& keys) {
  keys.Uint("rope.scaling.original_context_length",
            rope.Uint({"original_max_position_embeddings"}));
  if (rope.Find({"truncate"}) != nullptr) {
    keys.Bool("rope.scaling.yarn_truncate", rope.BoolOr({"truncate"}, false));
  }
  keys.Number("rope.scaling.yarn_ext_factor",
              rope.OptionalNumber({"extrapolation_factor"}));
  keys.Number("rope.scaling.yarn_attn_factor",
              rope.OptionalNumber({"attention_factor", "attn_factor"}));
  keys.Number("rope.scaling.yarn_beta_fast",
              rope.OptionalNumber({"beta_fast"}));
  keys.Number("rope.scaling.yarn_beta_slow",
              rope.OptionalNumber({"beta_slow"}));
}

// Llama 3's scaling is a tensor of factors, not metadata.
void AddRopeScaling(const Config& rope, KeyWriter& keys) {
  const std::string type = rope.Text({"rope_type"});
  const bool has_factor = rope.Find({"factor"}) != nullptr;
  if ((type == "linear" || type == "yarn") && has_factor) {
    keys.String("rope.scaling.type", type);
    keys.Number("rope.scaling.factor", rope.OptionalNumber({"factor"}));
    if (type == "yarn") AddYarn(rope, keys);
  } else if (type == "su" || type == "longrope") {
    keys.String("rope.scaling.type", "longrope");
  }
}

}  // namespace

absl::Status AddTextParameters(absl::string_view architecture,
                               const Config& config, gguf::Metadata& metadata) {
  KeyWriter keys(architecture, metadata);
  keys.Uint("block_count", config.Uint({"num_hidden_layers", "n_layer",
                                        "n_layers", "num_layers"}));
  keys.Uint("context_length",
            config.OptionalUint({"max_position_embeddings", "n_ctx",
                                 "n_positions", "max_length",
                                 "max_sequence_length", "model_max_length"}));
  keys.Uint("embedding_length",
            config.OptionalUint({"hidden_size", "n_embd", "dim"}));
  keys.Uint(
      "feed_forward_length",
      config.OptionalUint({"intermediate_size", "n_inner", "hidden_dim"}));
  keys.Uint("attention.head_count",
            config.OptionalUint({"num_attention_heads", "n_head", "n_heads"}));
  keys.Uint("attention.head_count_kv",
            config.OptionalUint({"num_key_value_heads", "n_kv_heads"}));
  if (const auto causal = config.BoolOr({"is_causal"}, true);
      !causal.ok() || !*causal) {
    keys.Bool("attention.causal", causal);
  }
  const Config rope = config.Rope();
  AddRopeScaling(rope, keys);
  keys.Number("rope.freq_base", rope.OptionalNumber({"rope_theta"}));
  keys.Number("attention.layer_norm_rms_epsilon",
              config.OptionalNumber({"rms_norm_eps", "norm_eps"}));
  keys.Number("attention.layer_norm_epsilon",
              config.OptionalNumber(
                  {"layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"}));
  keys.Uint("expert_count",
            config.OptionalUint({"num_local_experts", "num_experts"}));
  keys.Uint(
      "expert_used_count",
      config.OptionalUint({"num_experts_per_tok", "num_experts_per_token"}));
  keys.Uint("attention.key_length", config.OptionalUint({"head_dim"}));
  keys.Uint("attention.value_length", config.OptionalUint({"head_dim"}));
  keys.FileType();
  return keys.status();
}

}  // namespace converters
