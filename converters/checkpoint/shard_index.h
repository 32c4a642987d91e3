// File: converters/checkpoint/shard_index.h
//
// model.safetensors.index.json and pytorch_model.bin.index.json: which of a
// checkpoint's files holds which tensor.

#ifndef CONVERTERS_CHECKPOINT_SHARD_INDEX_H_
#define CONVERTERS_CHECKPOINT_SHARD_INDEX_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/checkpoint/stored_tensor.h"

namespace checkpoint {

// Far more than the largest models' indexes have (9 MB).
inline constexpr uint64_t kMaxIndexBytes = 64 << 20;

struct ShardIndex {
  std::map<std::string, std::string> weight_map;  // tensor to file

  // Each file once, by name.
  std::vector<std::string> files() const;
};

// Reads an index's text, which messages call `name`. Files must be in the same
// directory and end in `suffix`.
// Errors: DataLoss for text that is no JSON object or has no "weight_map" from
// strings to strings, and for tensors that occur twice; InvalidArgument for a
// file name that leads elsewhere ("../x", "/x", "a/b").
absl::StatusOr<ShardIndex> ParseShardIndex(absl::string_view text,
                                           absl::string_view name,
                                           absl::string_view suffix);

// That the index and its files name the same tensors in the same places.
// Errors: DataLoss with the names (the first few of many) of tensors that the
// index has and their file lacks, or the other way round.
absl::Status CheckAgainstIndex(const ShardIndex& index, absl::string_view name,
                               absl::Span<const StoredTensor> tensors);

// A few of `names`, and how many more there are: for messages.
std::string ListNames(absl::Span<const std::string> names);

// The files of a set numbered "…-00002-of-00005…" of which `files` holds some
// and lacks some: those that it lacks. Empty for other names.
std::vector<std::string> MissingFromNumberedSet(
    absl::Span<const std::string> files);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_SHARD_INDEX_H_
