// Phi-3, Phi-3.5, Phi-4, Phi-4-mini.

#include <cmath>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/rope_factors.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

constexpr absl::string_view kClasses[] = {"Phi3ForCausalLM",
                                          "Phi4ForCausalLMV"};

constexpr Field kFields[] = {
    {"resid_pdrop", kNumber},
    {"embd_pdrop", kNumber},
    {"original_max_position_embeddings", kInt},
};

constexpr absl::string_view kOriginal = "original_max_position_embeddings";

// The class knows one scaling. Its older name "yarn" is taken for it, the
// oldest, "su", is not.
bool CompleteConfig(json& config) {
  json& rope = config["rope_parameters"];
  json& type = rope["rope_type"];
  if (type == "yarn") type = "longrope";
  if (type == "longrope") rope[kOriginal] = config[kOriginal];
  return type == "longrope" || type == "default";
}

constexpr ConfigClass kConfigs[] = {
    {.model_type = "phi3",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields, kFields},
     .defaults = R"({"vocab_size": 32064, "hidden_size": 3072,
                     "intermediate_size": 8192, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "rms_norm_eps": 1e-5,
                     "max_position_embeddings": 4096,
                     "original_max_position_embeddings": 4096,
                     "tie_word_embeddings": false})",
     .rope = {.share_key = "partial_rotary_factor"},
     .kv_heads_as_heads = true,
     .complete = CompleteConfig},
};

struct Context {
  uint64_t length;    // that the model is for
  uint64_t original;  // that it was first trained with
};

// By how much attention is sharpened when the context is stretched.
absl::StatusOr<double> AttentionFactor(const Config& rope,
                                       const Context& context) {
  const double original = static_cast<double>(context.original);
  const double scale = static_cast<double>(context.length) / original;
  const std::string type = absl::AsciiStrToLower(rope.Text({"rope_type"}));
  if (type == "yarn") return scale > 1 ? 0.1 * std::log(scale) + 1 : 1.0;
  if (type != "su" && type != "longrope") {
    return rope.Unexpected({"rope_type"}, "longrope, su or yarn");
  }
  if (scale <= 1) return 1.0;
  if (context.original <= 1) return rope.Unexpected({kOriginal}, "2 or more");
  return std::sqrt(1 + std::log(scale) / std::log(original));
}

// Models for long contexts have factors for each frequency, and for attention.
absl::Status AddFactors(const Config& config, const Context& context,
                        uint64_t rotated, Model& model) {
  const Config rope = config.Rope();
  const json* factors = rope.Find({"long_factor"});
  if (factors == nullptr || !base::IsTruthy(*factors)) return absl::OkStatus();
  KeyWriter keys(model.architecture, model.first_keys);
  keys.Number("rope.scaling.attn_factor", AttentionFactor(rope, context));
  RETURN_IF_ERROR(keys.status());
  return AddLongRopeFactors(config, rotated, model.tensors);
}

absl::Status AddKeys(const Config& config, const TextSizes& s,
                     const Context& context, uint64_t rotated, Model& model) {
  const Config rope = config.Rope();
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", context.length);
  keys.Uint("rope.scaling.original_context_length", context.original);
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("feed_forward_length", s.feed_forward);
  keys.Uint("block_count", s.blocks);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", s.kv_heads);
  keys.Number("attention.layer_norm_rms_epsilon",
              config.Number({"rms_norm_eps"}));
  keys.Uint("rope.dimension_count", rotated);
  keys.Number("rope.freq_base", rope.Number({"rope_theta"}));
  keys.FileType();
  // 0 says that there is none.
  ASSIGN_OR_RETURN(const uint64_t window, config.UintOr({"sliding_window"}, 0));
  keys.Uint("attention.sliding_window", window);
  return keys.status();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  Context context;
  ASSIGN_OR_RETURN(context.length,
                   config.Uint({"n_positions", "max_position_embeddings"}));
  ASSIGN_OR_RETURN(context.original, config.Rope().PositiveUint({kOriginal}));
  ASSIGN_OR_RETURN(uint64_t rotated, RotatedPart(config, 1, s.hidden));
  rotated /= s.heads;
  model.vocabulary = {.kind = vocab::Kind::kSentencePieceOrByteLevel,
                      .size = s.vocabulary,
                      .marks_decide = true};

  Tensors& t = model.tensors;
  DropMultimodal(t);
  EmbeddingAndHead(t, s);
  // Queries, keys and values stay joined, and so do gate and up.
  const uint64_t qkv = (s.heads + 2 * s.kv_heads) * s.head_size;
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    n.Matrix("attn_qkv", "self_attn.qkv_proj", qkv, s.hidden);
    n.Matrix("attn_output", "self_attn.o_proj", s.hidden,
             s.heads * s.head_size);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    n.Matrix("ffn_up", "mlp.gate_up_proj", 2 * s.feed_forward, s.hidden);
    n.Matrix("ffn_down", "mlp.down_proj", s.hidden, s.feed_forward);
  }
  RETURN_IF_ERROR(AddFactors(config, context, rotated, model));
  return AddKeys(config, s, context, rotated, model);
}

}  // namespace

extern const Architecture kPhi3 = {"phi3", kClasses, kConfigs, Describe};

}  // namespace converters
