#include "quant/tensor_role.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gguf/tensor_info.h"

namespace quant {
namespace {

struct RoleName {
  absl::string_view part;
  TensorRole role;
};

// The first part that a name contains tells its role.
constexpr RoleName kRoleNames[] = {
    {"attn_qkv.weight", TensorRole::kAttentionValue},
    {"attn_kv_b.weight", TensorRole::kAttentionValue},
    {"attn_v.weight", TensorRole::kAttentionValue},
    {"attn_k.weight", TensorRole::kAttentionKey},
    {"attn_q.weight", TensorRole::kOther},
    {"attn_output.weight", TensorRole::kAttentionOutput},
    {"ffn_up", TensorRole::kOther},
    {"ffn_gate", TensorRole::kOther},
    {"ffn_down", TensorRole::kFeedForwardDown},
};

// Tensors with one of these in their name are never quantized.
constexpr absl::string_view kNeverQuantized[] = {
    "_norm.weight",
    // Routing of experts.
    "ffn_gate_inp.weight",
    "ffn_gate_tid2eid.weight",
    // Gemma 3n.
    "altup",
    "laurel",
    "per_layer_model_proj",
    // Convolutions of state-space and hybrid models.
    "ssm_conv1d",
    "shortconv.conv.weight",
    // Sparse-attention indexers.
    "indexer.k_proj.weight",
    "indexer.q_proj.weight",
    // RWKV.
    "time_mix_first.weight",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight",
    // T5.
    "attn_rel_b.weight",
    // Vision and audio encoders.
    ".position_embd",
    "sam.pos_embd",
    "sam.neck.",
    "sam.net_",
    ".rel_pos",
    ".patch_embd",
    ".patch_merger",
    "a.rvq.codebook",
    "mm.a.code_embd",
};

// Dimensions, not counting those of extent 1 at the end.
size_t DimensionCount(const gguf::TensorInfo& tensor) {
  size_t count = tensor.shape.size();
  while (count > 1 && tensor.shape[count - 1] == 1) --count;
  return count;
}

}  // namespace

TensorRole RoleOf(absl::string_view name) {
  if (name == "output.weight") return TensorRole::kOutput;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") {
    return TensorRole::kTokenEmbedding;
  }
  for (const RoleName& entry : kRoleNames) {
    if (absl::StrContains(name, entry.part)) return entry.role;
  }
  return TensorRole::kOther;
}

std::optional<uint64_t> BlockOf(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, "blk.")) return std::nullopt;
  const auto* end =
      std::find_if_not(name.begin(), name.end(), absl::ascii_isdigit);
  uint64_t block = 0;
  if (!absl::SimpleAtoi(name.substr(0, end - name.begin()), &block)) {
    return std::nullopt;
  }
  return block;
}

bool IsQuantizable(const gguf::TensorInfo& tensor) {
  const absl::string_view name = tensor.name;
  if (DimensionCount(tensor) < 2 || !absl::EndsWith(name, "weight") ||
      name == "position_embd.weight" || name == "token_types.weight") {
    return false;
  }
  return std::none_of(
      std::begin(kNeverQuantized), std::end(kNeverQuantized),
      [name](absl::string_view part) { return absl::StrContains(name, part); });
}

}  // namespace quant
