// File: quant/tensor_role.h
//
// What a tensor does in a model, as far as the mixes care, told by its name.

#ifndef QUANT_TENSOR_ROLE_H_
#define QUANT_TENSOR_ROLE_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "gguf/tensor_info.h"

namespace quant {

enum class TensorRole {
  kOutput,          // output.weight
  kTokenEmbedding,  // token_embd.weight, per_layer_token_embd.weight
  kAttentionValue,  // attn_v, and what holds it fused: attn_qkv, attn_kv_b
  kAttentionKey,
  kAttentionOutput,
  kFeedForwardDown,  // ffn_down, also of experts
  kOther,
};

TensorRole RoleOf(absl::string_view name);

// The N of "blk.N.…"; nullopt for other names.
std::optional<uint64_t> BlockOf(absl::string_view name);

// Whether the quantizer quantizes this tensor at all: matrices and stacks of
// matrices called *weight, but for norms, router inputs, position embeddings
// and small tensors that lose too much.
bool IsQuantizable(const gguf::TensorInfo& tensor);

}  // namespace quant

#endif  // QUANT_TENSOR_ROLE_H_
