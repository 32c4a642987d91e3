// File: converters/text_sizes.h
//
// The sizes that every decoder has, under all the names that config.json has
// had for them.

#ifndef CONVERTERS_TEXT_SIZES_H_
#define CONVERTERS_TEXT_SIZES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "converters/config.h"

namespace converters {

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
// such fallback, or is not a whole number.
absl::StatusOr<TextSizes> ReadTextSizes(const Config& config);

// An error if heads of this size can't hold rotary pairs: an odd size, or one
// far beyond what there is.
absl::Status CheckRotary(const TextSizes& sizes);

}  // namespace converters

#endif  // CONVERTERS_TEXT_SIZES_H_
