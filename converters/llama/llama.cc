#include "converters/llama/llama.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/config.h"
#include "converters/converter.h"
#include "converters/key_writer.h"
#include "converters/llama/rope_freqs.h"
#include "converters/model_plan.h"
#include "converters/plan_builder.h"
#include "converters/row_maps.h"
#include "converters/status_macros.h"
#include "converters/tensor_rules.h"
#include "converters/text_parameters.h"
#include "converters/vocab/vocab.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

constexpr absl::string_view kName = "llama";

struct Sizes {
  uint64_t blocks;
  uint64_t hidden;
  uint64_t feed_forward;
  uint64_t heads;
  uint64_t kv_heads;
  uint64_t head_size;
  uint64_t vocabulary;
};

absl::StatusOr<Sizes> ReadSizes(const Config& config) {
  Sizes s;
  ASSIGN_OR_RETURN(s.blocks, BlockCount(config));
  ASSIGN_OR_RETURN(s.hidden, config.Uint({"hidden_size", "n_embd", "dim"}));
  ASSIGN_OR_RETURN(s.feed_forward,
                   config.Uint({"intermediate_size", "hidden_dim"}));
  ASSIGN_OR_RETURN(s.heads,
                   config.Uint({"num_attention_heads", "n_heads", "n_head"}));
  ASSIGN_OR_RETURN(const std::optional<uint32_t> kv_heads,
                   config.OptionalUint({"num_key_value_heads", "n_kv_heads"}));
  s.kv_heads = kv_heads.value_or(s.heads);
  ASSIGN_OR_RETURN(const std::optional<uint32_t> head_size,
                   config.OptionalUint({"head_dim"}));
  if (s.heads == 0 || s.kv_heads == 0) {
    return absl::InvalidArgumentError(
        "config.json: num_attention_heads and num_key_value_heads must not be "
        "0");
  }
  s.head_size = head_size.value_or(s.hidden / s.heads);
  if (s.head_size % 2 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("config.json: heads of ", s.head_size,
                     " values have no rotary pairs; head_dim must be even"));
  }
  ASSIGN_OR_RETURN(s.vocabulary, config.Uint({"vocab_size"}));
  return s;
}

TensorRules Tensors(const Sizes& s) {
  const uint64_t q = s.heads * s.head_size;
  const uint64_t kv = s.kv_heads * s.head_size;
  return {
      .architecture = kName,
      .blocks = s.blocks,
      .rules =
          {
              {"model.embed_tokens", "token_embd", {s.vocabulary, s.hidden}},
              {"model.layers.{}.input_layernorm",
               "blk.{}.attn_norm",
               {s.hidden}},
              {"model.layers.{}.self_attn.q_proj",
               "blk.{}.attn_q",
               {q, s.hidden},
               {RotaryRows(0, s.heads, s.head_size)}},
              {"model.layers.{}.self_attn.k_proj",
               "blk.{}.attn_k",
               {kv, s.hidden},
               {RotaryRows(0, s.kv_heads, s.head_size)}},
              {"model.layers.{}.self_attn.v_proj",
               "blk.{}.attn_v",
               {kv, s.hidden}},
              {"model.layers.{}.self_attn.o_proj",
               "blk.{}.attn_output",
               {s.hidden, q}},
              {"model.layers.{}.post_attention_layernorm",
               "blk.{}.ffn_norm",
               {s.hidden}},
              {"model.layers.{}.mlp.gate_proj",
               "blk.{}.ffn_gate",
               {s.feed_forward, s.hidden}},
              {"model.layers.{}.mlp.up_proj",
               "blk.{}.ffn_up",
               {s.feed_forward, s.hidden}},
              {"model.layers.{}.mlp.down_proj",
               "blk.{}.ffn_down",
               {s.hidden, s.feed_forward}},
              {"model.norm", "output_norm", {s.hidden}},
              TensorRule("lm_head", "output", {s.vocabulary, s.hidden})
                  .Optional(),
          },
      .ignored = {},
  };
}

absl::StatusOr<gguf::Metadata> Parameters(const Config& config,
                                          const Sizes& sizes) {
  gguf::Metadata metadata;
  RETURN_IF_ERROR(AddTextParameters(kName, config, metadata));
  KeyWriter keys(kName, metadata);
  keys.Uint("vocab_size", config.Uint({"vocab_size"}));
  keys.Uint("rope.dimension_count", static_cast<uint32_t>(sizes.head_size));
  RETURN_IF_ERROR(keys.status());
  return metadata;
}

// The factors of Llama 3's rotary scaling, if the model has it.
absl::StatusOr<std::optional<TensorPlan>> RopeFactors(const Config& config,
                                                      const Sizes& sizes) {
  const Config rope = config.Rope();
  const nlohmann::json* type = rope.Find({"rope_type"});
  if (type == nullptr || !type->is_string() ||
      absl::AsciiStrToLower(type->get_ref<const std::string&>()) != "llama3") {
    return std::nullopt;
  }
  Llama3Rope scaling;
  ASSIGN_OR_RETURN(scaling.theta, rope.NumberOr({"rope_theta"}, scaling.theta));
  ASSIGN_OR_RETURN(scaling.factor, rope.NumberOr({"factor"}, scaling.factor));
  ASSIGN_OR_RETURN(scaling.low_freq_factor,
                   rope.NumberOr({"low_freq_factor"}, scaling.low_freq_factor));
  ASSIGN_OR_RETURN(
      scaling.high_freq_factor,
      rope.NumberOr({"high_freq_factor"}, scaling.high_freq_factor));
  ASSIGN_OR_RETURN(scaling.original_context,
                   rope.NumberOr({"original_max_position_embeddings"},
                                 scaling.original_context));
  TensorPlan plan;
  plan.name = "rope_freqs.weight";
  plan.precision = Precision::kF32;
  plan.values = RopeFreqs(scaling, sizes.head_size);
  plan.shape = {plan.values.size()};
  plan.row_size = plan.values.size();
  return plan;
}

class Llama : public Converter {
 public:
  absl::string_view name() const override { return kName; }

  absl::Span<const absl::string_view> huggingface_names() const override {
    static constexpr absl::string_view kNames[] = {
        "LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM"};
    return kNames;
  }

  absl::StatusOr<ModelPlan> Plan(const ConversionInput& input) const override {
    ASSIGN_OR_RETURN(const Config config, Config::Make(*input.config));
    ASSIGN_OR_RETURN(const Sizes sizes, ReadSizes(config));
    PlanParts parts{.architecture = kName};
    ASSIGN_OR_RETURN(std::optional<TensorPlan> rope_factors,
                     RopeFactors(config, sizes));
    if (rope_factors) parts.tensors.push_back(*std::move(rope_factors));
    ASSIGN_OR_RETURN(std::vector<TensorPlan> tensors,
                     PlanTensors(Tensors(sizes), *input.source));
    std::move(tensors.begin(), tensors.end(),
              std::back_inserter(parts.tensors));
    ASSIGN_OR_RETURN(parts.parameters, Parameters(config, sizes));
    ASSIGN_OR_RETURN(
        parts.vocabulary,
        vocab::LoadLlamaVocab({.directory = input.directory,
                               .config = input.config,
                               .vocab_size = sizes.vocabulary,
                               .pre_tokenizer = input.options.pre_tokenizer}));
    return BuildPlan(input, std::move(parts));
  }
};

}  // namespace

const Converter& LlamaConverter() {
  static const Llama* const converter = new Llama;
  return *converter;
}

}  // namespace converters
