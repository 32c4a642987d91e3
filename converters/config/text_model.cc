#include "converters/config/text_model.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/config/config.h"
#include "converters/config/key_names.h"
#include "converters/config/key_writer.h"
#include "base/status_macros.h"
#include "gguf/metadata.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

constexpr uint64_t kMaxHeadSize = 1 << 16;

// The values of gguf's ExpertGatingFuncType.
enum Gating : uint32_t { kSoftmax = 1, kSigmoid = 2, kSqrtSoftplus = 4 };

struct Size {
  Config::Keys keys;
  uint64_t value;
};

absl::Status CheckMatrix(const Config& config, const Size& a, const Size& b) {
  if (a.value == 0 || b.value <= kMaxMatrix / a.value) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "config.json: ", config.NameOf(a.keys), " ", a.value, " times ",
      config.NameOf(b.keys), " ", b.value, " is more than a tensor can have"));
}

absl::Status CheckSizes(const Config& config, const TextSizes& s) {
  if (s.blocks > kMaxBlocks) {
    return config.Unexpected(key::kBlocks,
                             absl::StrCat("at most ", kMaxBlocks));
  }
  const Size hidden = {key::kHidden, s.hidden};
  const Size heads = {key::kHeads, s.heads};
  const Size kv_heads = {key::kKvHeads, s.kv_heads};
  const Size head_size = {key::kHeadSize, s.head_size};
  RETURN_IF_ERROR(CheckMatrix(config, heads, head_size));
  RETURN_IF_ERROR(CheckMatrix(config, kv_heads, head_size));
  RETURN_IF_ERROR(
      CheckMatrix(config, {key::kHeads, s.heads * s.head_size}, hidden));
  RETURN_IF_ERROR(
      CheckMatrix(config, {key::kKvHeads, s.kv_heads * s.head_size}, hidden));
  RETURN_IF_ERROR(
      CheckMatrix(config, {key::kFeedForward, s.feed_forward}, hidden));
  return CheckMatrix(config, {key::kVocabulary, s.vocabulary}, hidden);
}

// A number, or a list with one for each block.
void AddUints(const Config& config, Config::Keys names, absl::string_view key,
              KeyWriter& keys) {
  const nlohmann::json* value = config.Find(names);
  if (value != nullptr && value->is_array()) {
    keys.Ints(key, config.Uints(names));
  } else {
    keys.Uint(key, config.OptionalUint(names));
  }
}

void AddYarn(const Config& rope, KeyWriter& keys) {
  keys.Uint("rope.scaling.original_context_length",
            rope.Uint(key::kOriginalContext));
  if (rope.Has({"truncate"})) {
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
  if ((type == "linear" || type == "yarn") && rope.Has({"factor"})) {
    keys.String("rope.scaling.type", type);
    keys.Number("rope.scaling.factor", rope.OptionalNumber({"factor"}));
    if (type == "yarn") AddYarn(rope, keys);
  } else if (type == "su" || type == "longrope") {
    keys.String("rope.scaling.type", "longrope");
  }
}

// Time, height, width and one more; models that have fewer leave the rest 0.
absl::StatusOr<std::vector<uint32_t>> RopeSections(const Config& rope) {
  constexpr size_t kSections = 4;
  ASSIGN_OR_RETURN(std::vector<uint32_t> sections,
                   rope.Uints({"mrope_section"}));
  if (rope.Has({"mrope_section"})) sections.resize(kSections);
  return sections;
}

void AddRope(const Config& config, KeyWriter& keys) {
  const Config rope = config.Rope();
  AddRopeScaling(rope, keys);
  keys.Ints("rope.dimension_sections", RopeSections(rope));
  keys.Number("rope.freq_base", rope.OptionalNumber({"rope_theta"}));
  keys.Number(
      "rope.freq_base_swa",
      config.RopeOf("sliding_attention").OptionalNumber({"rope_theta"}));
}

void AddExperts(const Config& config, KeyWriter& keys) {
  AddUints(config, key::kExperts, "expert_count", keys);
  AddUints(config, key::kExpertsUsed, "expert_used_count", keys);
  keys.Uint("expert_group_count", config.OptionalUint({"n_group"}));
  keys.Uint("expert_group_used_count", config.OptionalUint({"topk_group"}));
  if (!config.Has(key::kGating)) return;
  const std::string function = config.Text(key::kGating);
  const auto gating = [&]() -> absl::StatusOr<uint32_t> {
    if (function == "softmax") return kSoftmax;
    if (function == "sigmoid") return kSigmoid;
    if (function == "sqrtsoftplus") return kSqrtSoftplus;
    return config.Unexpected(key::kGating, "softmax, sigmoid or sqrtsoftplus");
  };
  keys.Uint("expert_gating_func", gating());
}

}  // namespace

absl::StatusOr<TextSizes> ReadTextSizes(const Config& config) {
  TextSizes s;
  ASSIGN_OR_RETURN(s.blocks, config.Uint(key::kBlocks));
  ASSIGN_OR_RETURN(s.hidden, config.Uint(key::kHidden));
  ASSIGN_OR_RETURN(s.feed_forward,
                   config.UintOr(key::kFeedForward, 4 * s.hidden));
  ASSIGN_OR_RETURN(s.heads, config.PositiveUint(key::kHeads));
  ASSIGN_OR_RETURN(s.kv_heads, config.UintOr(key::kKvHeads, s.heads));
  ASSIGN_OR_RETURN(s.head_size,
                   config.UintOr(key::kHeadSize, s.hidden / s.heads));
  ASSIGN_OR_RETURN(s.vocabulary, config.Uint(key::kVocabulary));
  RETURN_IF_ERROR(CheckSizes(config, s));
  return s;
}

absl::Status CheckRotary(const TextSizes& sizes) {
  if (sizes.head_size % 2 == 0 && sizes.head_size <= kMaxHeadSize) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("config.json: heads of ", sizes.head_size,
                   " values (head_dim, or hidden_size / num_attention_heads), "
                   "expected an even number up to ",
                   kMaxHeadSize));
}

absl::Status AddTextParameters(absl::string_view architecture,
                               const Config& config, gguf::Metadata& metadata) {
  KeyWriter keys(architecture, metadata);
  keys.Uint("block_count", config.Uint(key::kBlocks));
  AddUints(config, key::kContext, "context_length", keys);
  AddUints(config, key::kHidden, "embedding_length", keys);
  AddUints(config, key::kFeedForward, "feed_forward_length", keys);
  AddUints(config, key::kHeads, "attention.head_count", keys);
  AddUints(config, key::kKvHeads, "attention.head_count_kv", keys);
  if (const auto causal = config.BoolOr({"is_causal"}, true);
      !causal.ok() || !*causal) {
    keys.Bool("attention.causal", causal);
  }
  AddRope(config, keys);
  keys.Number("attention.layer_norm_rms_epsilon",
              config.OptionalNumber(key::kRmsEpsilon));
  keys.Number("attention.layer_norm_epsilon",
              config.OptionalNumber(key::kNormEpsilon));
  AddExperts(config, keys);
  keys.Uint("attention.key_length", config.OptionalUint(key::kHeadSize));
  keys.Uint("attention.value_length", config.OptionalUint(key::kHeadSize));
  keys.FileType();
  return keys.status();
}

}  // namespace converters
