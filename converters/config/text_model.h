// File: converters/config/text_model.h
//
// What config.json says of every decoder: the sizes that its tensors have, and
// the metadata that most architectures have in common.

#ifndef CONVERTERS_CONFIG_TEXT_MODEL_H_
#define CONVERTERS_CONFIG_TEXT_MODEL_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "converters/config/config.h"
#include "gguf/metadata.h"

namespace converters {

// Far more than any model has; loops over blocks end in time.
inline constexpr uint64_t kMaxBlocks = 1 << 14;
// No product of two sizes is above this, so that products of these with small
// numbers fit into 64 bits.
inline constexpr uint64_t kMaxMatrix = uint64_t{1} << 48;

struct TextSizes {
  uint64_t blocks = 0;
  uint64_t hidden = 0;
  uint64_t feed_forward = 0;  // 4 * hidden where config.json doesn't say
  uint64_t heads = 0;         // at least 1
  uint64_t kv_heads = 0;      // `heads` where config.json doesn't say
  uint64_t head_size = 0;     // hidden / heads where config.json doesn't say
  uint64_t vocabulary = 0;    // rows of the embedding
};

// Errors: InvalidArgument, naming the key, where one is missing that has no
// such fallback, or is not a whole number; naming both keys, where a matrix of
// these sizes would have more than kMaxMatrix elements.
absl::StatusOr<TextSizes> ReadTextSizes(const Config& config);

// An error if heads of this size can't hold rotary pairs: an odd size, or one
// far beyond what there is.
absl::Status CheckRotary(const TextSizes& sizes);

// Adds what `config` says of the common keys under "<architecture>.*", in the
// reference's order: sizes, rotary settings, norm epsilons, experts, head
// sizes; general.file_type (0: its place) at the end. Keys that `config` lacks
// are left out; those that are lists, one value for each block, are arrays. An
// architecture that has a key otherwise writes it again (it keeps its place) or
// removes it, with a KeyWriter.
absl::Status AddTextParameters(absl::string_view architecture,
                               const Config& config, gguf::Metadata& metadata);

}  // namespace converters

#endif  // CONVERTERS_CONFIG_TEXT_MODEL_H_
