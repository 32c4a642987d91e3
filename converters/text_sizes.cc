#include "converters/text_sizes.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "converters/config.h"

namespace converters {
namespace {

constexpr uint64_t kMaxHeadSize = 1 << 16;

}  // namespace

absl::StatusOr<TextSizes> ReadTextSizes(const Config& config) {
  TextSizes s;
  ASSIGN_OR_RETURN(s.blocks, config.Uint({"num_hidden_layers", "n_layer",
                                          "n_layers", "num_layers"}));
  ASSIGN_OR_RETURN(s.hidden,
                   config.Uint({"hidden_size", "n_embd", "n_embed", "dim"}));
  ASSIGN_OR_RETURN(s.feed_forward,
                   config.UintOr({"intermediate_size", "n_inner",
                                  "ffn_hidden_size", "hidden_dim"},
                                 4 * s.hidden));
  ASSIGN_OR_RETURN(s.heads, config.PositiveUint(
                                {"num_attention_heads", "n_head", "n_heads"}));
  ASSIGN_OR_RETURN(
      s.kv_heads,
      config.UintOr({"num_key_value_heads", "n_kv_heads"}, s.heads));
  ASSIGN_OR_RETURN(s.head_size,
                   config.UintOr({"head_dim"}, s.hidden / s.heads));
  ASSIGN_OR_RETURN(s.vocabulary, config.Uint({"vocab_size"}));
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

}  // namespace converters
