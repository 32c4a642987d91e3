#include "gguf/split.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"

namespace gguf {
namespace {

// Takes "NUMBER" of five or more digits from the end of `text`.
std::optional<size_t> ConsumeNumber(absl::string_view& text) {
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(
                                     text[text.size() - 1 - digits]))) {
    ++digits;
  }
  size_t number = 0;
  if (digits < 5 ||
      !absl::SimpleAtoi(text.substr(text.size() - digits), &number)) {
    return std::nullopt;
  }
  text.remove_suffix(digits);
  return number;
}

void AddSplitKeys(size_t number, size_t count, size_t tensors,
                  Metadata& metadata) {
  metadata.Set(kSplitNumberKey, static_cast<uint16_t>(number));
  metadata.Set(kSplitTensorsKey, static_cast<int32_t>(tensors));
  metadata.Set(kSplitCountKey, static_cast<uint16_t>(count));
}

}  // namespace

std::string ShardPath(absl::string_view prefix, size_t number, size_t count) {
  return absl::StrFormat("%s-%05d-of-%05d.gguf", prefix, number + 1, count);
}

std::optional<ShardName> ParseShardPath(absl::string_view path) {
  absl::string_view rest = path;
  if (!absl::ConsumeSuffix(&rest, ".gguf")) return std::nullopt;
  const std::optional<size_t> count = ConsumeNumber(rest);
  if (!count.has_value() || !absl::ConsumeSuffix(&rest, "-of-")) {
    return std::nullopt;
  }
  const std::optional<size_t> number = ConsumeNumber(rest);
  if (!number.has_value() || !absl::ConsumeSuffix(&rest, "-") || rest.empty() ||
      *number < 1 || *number > *count) {
    return std::nullopt;
  }
  return ShardName{std::string(rest), *number - 1, *count};
}

absl::StatusOr<std::vector<Shard>> PlanSplit(
    const Metadata& metadata, absl::Span<const TensorInfo> tensors,
    const SplitOptions& options) {
  ASSIGN_OR_RETURN(const uint64_t alignment, AlignmentOf(metadata));
  std::vector<Shard> shards(1);
  if (options.no_tensor_first_split) shards.emplace_back();
  uint64_t bytes = 0;  // of the last shard's tensors
  for (size_t i = 0; i < tensors.size(); ++i) {
    ASSIGN_OR_RETURN(const uint64_t size, TensorBytes(tensors[i]));
    const uint64_t padded = PaddedSize(size, alignment).value_or(size);
    const uint64_t count = shards.back().tensor_count;
    // Both are below 2^63, so the sum does not overflow.
    const bool too_large =
        options.max_bytes != 0 && bytes + padded > options.max_bytes;
    const bool too_many =
        options.max_tensors != 0 && count >= options.max_tensors;
    if (count > 0 && (too_large || too_many)) {
      shards.push_back(Shard{Metadata(), i, 0});
      bytes = 0;
    }
    ++shards.back().tensor_count;
    bytes += padded;
  }
  if (shards.size() > std::numeric_limits<uint16_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the model would have ", shards.size(),
                     " shards; at most 65535 are possible: allow larger ones"));
  }
  shards[0].metadata = metadata;
  if (shards.size() == 1) return shards;
  for (size_t i = 0; i < shards.size(); ++i) {
    AddSplitKeys(i, shards.size(), tensors.size(), shards[i].metadata);
  }
  return shards;
}

absl::StatusOr<uint64_t> ParseSplitSize(absl::string_view text) {
  absl::string_view digits = text;
  uint64_t unit = 1;
  if (absl::ConsumeSuffix(&digits, "K")) {
    unit = 1000;
  } else if (absl::ConsumeSuffix(&digits, "M")) {
    unit = 1000 * 1000;
  } else if (absl::ConsumeSuffix(&digits, "G")) {
    unit = 1000 * 1000 * 1000;
  }
  uint64_t number = 0;
  if (!absl::SimpleAtoi(digits, &number) || number == 0 ||
      number > std::numeric_limits<int64_t>::max() / unit) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text,
                     "' is no size; expected a positive number with K, M or G "
                     "(powers of 1000), or of bytes"));
  }
  return number * unit;
}

}  // namespace gguf
