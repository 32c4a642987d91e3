#include "quant/mix.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "quant/file_type.h"
#include "quant/name_pattern.h"
#include "quant/tensor_role.h"

namespace quant {
namespace {

using gguf::TensorInfo;
using gguf::TensorType;

// The blocks that the mixes called _M give more bits: the first and the last
// eighth, and every third between them.
bool IsImportantBlock(uint64_t block, uint64_t blocks) {
  const uint64_t eighth = blocks / 8;
  return block < eighth || block >= 7 * blocks / 8 || (block - eighth) % 3 == 2;
}

// Models that are so large that more bits for attn_v cost nearly nothing.
bool Is70B(const ModelFacts& facts) {
  if (facts.architecture == "llama") {
    return facts.block_count == 80 && facts.head_count != facts.head_count_kv;
  }
  if (facts.architecture == "qwen2" || facts.architecture == "deci") {
    return facts.block_count == 80;
  }
  return facts.architecture == "jais2" && facts.block_count == 68;
}

bool Divides(TensorType type, const TensorInfo& tensor) {
  return tensor.shape[0] % gguf::Traits(type).block_size == 0;
}

absl::Status CantStore(TensorType type, const TensorInfo& tensor) {
  return absl::InvalidArgumentError(
      absl::StrCat("tensor '", tensor.name, "': rows of ", tensor.shape[0],
                   " weights are no multiple of the ",
                   gguf::Traits(type).block_size, " in a block of ", type,
                   " and there is no fallback; choose another type for it"));
}

// `type`, or what stands in for it where its blocks do not fit.
absl::StatusOr<TensorChoice> WithFallback(TensorType type,
                                          const TensorInfo& tensor) {
  if (Divides(type, tensor)) return TensorChoice{type, std::nullopt};
  const std::optional<TensorType> fallback = gguf::Traits(type).fallback;
  if (!fallback.has_value()) return CantStore(type, tensor);
  const bool fits = Divides(*fallback, tensor);
  return TensorChoice{fits ? *fallback : TensorType::kF16, type};
}

using Patterns = std::vector<std::pair<NamePattern, TensorType>>;

absl::StatusOr<Patterns> CompilePatterns(const MixOverrides& overrides) {
  Patterns patterns;
  for (const auto& [text, type] : overrides.tensor_types) {
    ASSIGN_OR_RETURN(NamePattern pattern, NamePattern::Compile(text));
    patterns.emplace_back(std::move(pattern), type);
  }
  return patterns;
}

// The rules of one file type for one model. Keeps count of the tensors of the
// roles whose rules depend on it.
class Mix {
 public:
  Mix(const FileType& file_type, const ModelFacts& facts,
      const MixOverrides& overrides, Patterns patterns,
      absl::Span<const TensorInfo> tensors);

  absl::StatusOr<TensorChoice> Choose(const TensorInfo& tensor);

 private:
  uint32_t file() const { return file_type_.number; }
  bool is_falcon() const { return facts_.architecture == "falcon"; }
  bool has_8_experts() const { return facts_.expert_count == 8; }
  // Query heads for each key head.
  uint64_t gqa() const {
    return facts_.head_count_kv == 0 ? 0
                                     : facts_.head_count / facts_.head_count_kv;
  }

  std::optional<TensorType> Override(const TensorInfo& tensor) const;
  absl::StatusOr<TensorType> ByRole(const TensorInfo& tensor);
  TensorType Output(const TensorInfo& tensor) const;
  TensorType TokenEmbedding() const;
  TensorType AttentionValue();
  TensorType AttentionOutput() const;
  absl::StatusOr<TensorType> FeedForwardDown(const TensorInfo& tensor);
  TensorType FeedForwardDown(uint64_t block, uint64_t blocks) const;

  const FileType& file_type_;
  const ModelFacts& facts_;
  const MixOverrides& overrides_;
  const Patterns patterns_;
  bool tied_ = true;  // token_embd.weight stands for output.weight too
  uint64_t value_count_ = 0;
  uint64_t values_seen_ = 0;
  uint64_t downs_seen_ = 0;
};

Mix::Mix(const FileType& file_type, const ModelFacts& facts,
         const MixOverrides& overrides, Patterns patterns,
         absl::Span<const TensorInfo> tensors)
    : file_type_(file_type),
      facts_(facts),
      overrides_(overrides),
      patterns_(std::move(patterns)) {
  for (const TensorInfo& tensor : tensors) {
    const TensorRole role = RoleOf(tensor.name);
    if (role == TensorRole::kOutput) tied_ = false;
    if (role == TensorRole::kAttentionValue) ++value_count_;
  }
}

absl::StatusOr<TensorChoice> Mix::Choose(const TensorInfo& tensor) {
  if (!IsQuantizable(tensor) ||
      (overrides_.leave_output_tensor && tensor.name == "output.weight")) {
    return TensorChoice{tensor.type, std::nullopt};
  }
  const TensorRole role = RoleOf(tensor.name);
  const std::optional<TensorType> asked =
      role == TensorRole::kTokenEmbedding ? overrides_.token_embedding_type
      : role == TensorRole::kOutput       ? overrides_.output_tensor_type
                                          : std::nullopt;
  if (asked.has_value()) {
    if (!Divides(*asked, tensor)) return CantStore(*asked, tensor);
    return TensorChoice{*asked, std::nullopt};
  }
  if (gguf::Traits(file_type_.base).block_size == 1) {
    return TensorChoice{file_type_.base, std::nullopt};
  }
  const std::optional<TensorType> by_name = Override(tensor);
  if (by_name.has_value()) return WithFallback(*by_name, tensor);
  if (overrides_.pure) return WithFallback(file_type_.base, tensor);
  ASSIGN_OR_RETURN(const TensorType type, ByRole(tensor));
  return WithFallback(type, tensor);
}

std::optional<TensorType> Mix::Override(const TensorInfo& tensor) const {
  for (const auto& [pattern, type] : patterns_) {
    if (pattern.IsIn(tensor.name)) return type;
  }
  return std::nullopt;
}

absl::StatusOr<TensorType> Mix::ByRole(const TensorInfo& tensor) {
  const TensorRole role = RoleOf(tensor.name);
  if (role == TensorRole::kOutput ||
      (tied_ && role == TensorRole::kTokenEmbedding)) {
    return Output(tensor);
  }
  if (file() == kFileMXFP4_MOE) {
    const bool stacked = tensor.shape.size() > 2 && tensor.shape[2] > 1;
    return stacked ? TensorType::kMXFP4 : TensorType::kQ8_0;
  }
  switch (role) {
    case TensorRole::kTokenEmbedding:
      return TokenEmbedding();
    case TensorRole::kAttentionValue:
      return AttentionValue();
    case TensorRole::kAttentionKey:
      return has_8_experts() ? TensorType::kQ8_0 : file_type_.base;
    case TensorRole::kAttentionOutput:
      return AttentionOutput();
    case TensorRole::kFeedForwardDown:
      return FeedForwardDown(tensor);
    case TensorRole::kOutput:
    case TensorRole::kOther:
      return file_type_.base;
  }
  return absl::InternalError("not a role");
}

TensorType Mix::Output(const TensorInfo& tensor) const {
  if (overrides_.output_tensor_type.has_value()) {
    return *overrides_.output_tensor_type;
  }
  if (file() == kFileMXFP4_MOE || is_falcon() ||
      !Divides(file_type_.base, tensor) ||
      file_type_.base == TensorType::kQ8_0) {
    return TensorType::kQ8_0;
  }
  return TensorType::kQ6_K;
}

TensorType Mix::TokenEmbedding() const {
  switch (file()) {
    case kFileTQ1_0:
    case kFileTQ2_0:
    case kFileQ2_0:
      return TensorType::kQ4_K;
    default:
      return file_type_.base;
  }
}

TensorType Mix::AttentionValue() {
  const uint64_t number = values_seen_++;
  TensorType type = file_type_.base;
  switch (file()) {
    case kFileQ2_K:
      type = gqa() >= 4 ? TensorType::kQ4_K : TensorType::kQ3_K;
      break;
    case kFileQ2_K_S:
      if (gqa() >= 4) type = TensorType::kQ4_K;
      break;
    case kFileQ3_K_M:
      type = number < 2 ? TensorType::kQ5_K : TensorType::kQ4_K;
      break;
    case kFileQ3_K_L:
      type = TensorType::kQ5_K;
      break;
    case kFileIQ4_NL:
    case kFileIQ4_XS:
      if (gqa() >= 4) type = TensorType::kQ5_K;
      break;
    case kFileQ4_K_S:
      if (number < 4) type = TensorType::kQ5_K;
      break;
    case kFileQ4_K_M:
    case kFileQ5_K_M:
      if (IsImportantBlock(number, value_count_)) type = TensorType::kQ6_K;
      break;
    default:
      break;
  }
  if (has_8_experts()) return TensorType::kQ8_0;
  if (Is70B(facts_) &&
      (type == TensorType::kQ3_K || type == TensorType::kQ4_K)) {
    return TensorType::kQ5_K;
  }
  return type;
}

TensorType Mix::AttentionOutput() const {
  if (is_falcon()) {
    return file() == kFileQ3_K_L ? TensorType::kQ4_K : file_type_.base;
  }
  if (has_8_experts()) {
    switch (file()) {
      case kFileQ2_K:
      case kFileQ3_K_S:
      case kFileQ3_K_M:
      case kFileQ4_K_S:
      case kFileQ4_K_M:
      case kFileIQ4_NL:
      case kFileIQ4_XS:
        return TensorType::kQ5_K;
      default:
        return file_type_.base;
    }
  }
  switch (file()) {
    case kFileQ2_K:
      return TensorType::kQ3_K;
    case kFileQ3_K_M:
      return TensorType::kQ4_K;
    case kFileQ3_K_L:
      return TensorType::kQ5_K;
    default:
      return file_type_.base;
  }
}

absl::StatusOr<TensorType> Mix::FeedForwardDown(const TensorInfo& tensor) {
  uint64_t block = downs_seen_++;
  if (facts_.expert_count > 1) {
    // Experts need not come in the order of the blocks.
    const std::optional<uint64_t> named = BlockOf(tensor.name);
    if (!named.has_value() || *named >= facts_.block_count) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor '", tensor.name,
                       "' of a mixture of experts is in none of its ",
                       facts_.block_count, " blocks"));
    }
    block = *named;
  }
  return FeedForwardDown(block, facts_.block_count);
}

TensorType Mix::FeedForwardDown(uint64_t block, uint64_t blocks) const {
  const bool first_16th = block < blocks / 16;
  const bool first_8th = block < blocks / 8;
  const bool important = IsImportantBlock(block, blocks);
  const TensorType base = file_type_.base;
  switch (file()) {
    case kFileQ2_K:
      return TensorType::kQ3_K;
    case kFileQ2_K_S:
      return first_8th ? TensorType::kQ4_K : base;
    case kFileQ3_K_M:
      if (first_16th) return TensorType::kQ5_K;
      return !is_falcon() || important ? TensorType::kQ4_K : base;
    case kFileQ3_K_L:
      return is_falcon() ? TensorType::kQ4_K : TensorType::kQ5_K;
    case kFileQ4_K_S:
      return !is_falcon() && first_8th ? TensorType::kQ5_K : base;
    case kFileQ4_K_M:
      if (!is_falcon()) return important ? TensorType::kQ6_K : base;
      if (first_16th) return TensorType::kQ6_K;
      return important ? TensorType::kQ5_K : base;
    case kFileQ5_K_M:
      return important ? TensorType::kQ6_K : base;
    case kFileIQ4_NL:
    case kFileIQ4_XS:
      return first_8th && !overrides_.has_importance ? TensorType::kQ5_K : base;
    case kFileQ4_0:
      return first_8th && overrides_.has_importance ? TensorType::kQ4_1 : base;
    case kFileQ5_0:
      return first_8th && overrides_.has_importance ? TensorType::kQ5_1 : base;
    default:
      return base;
  }
}

}  // namespace

absl::StatusOr<std::vector<TensorChoice>> ChooseTypes(
    const FileType& file_type, const ModelFacts& facts,
    absl::Span<const TensorInfo> tensors, const MixOverrides& overrides) {
  absl::flat_hash_set<absl::string_view> names;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.shape.empty() || !names.insert(tensor.name).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor '", tensor.name, "' ",
          tensor.shape.empty() ? "has no dimensions" : "is listed twice"));
    }
  }
  ASSIGN_OR_RETURN(Patterns patterns, CompilePatterns(overrides));
  Mix mix(file_type, facts, overrides, std::move(patterns), tensors);
  std::vector<TensorChoice> choices;
  choices.reserve(tensors.size());
  for (const TensorInfo& tensor : tensors) {
    ASSIGN_OR_RETURN(choices.emplace_back(), mix.Choose(tensor));
  }
  return choices;
}

bool RequiresImportance(const FileType& file_type, absl::string_view tensor,
                        TensorType type) {
  const TensorRole role = RoleOf(tensor);
  if (role == TensorRole::kOutput || role == TensorRole::kTokenEmbedding) {
    return false;
  }
  if (type == TensorType::kQ2_K) return file_type.number == kFileQ2_K_S;
  return gguf::Traits(type).needs_importance;
}

}  // namespace quant
