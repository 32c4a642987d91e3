// File: gguf/split.h
//
// Models in several files, by the convention of llama.cpp: shard i of n is
// called PREFIX-0000i-of-0000n.gguf. Each shard is a GGUF file of its own with
// the keys split.no (UINT16, from 0), split.count (UINT16) and
// split.tensors.count (INT32, of all shards); the model's metadata stands in
// the first one alone.

#ifndef GGUF_SPLIT_H_
#define GGUF_SPLIT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"

namespace gguf {

inline constexpr absl::string_view kSplitNumberKey = "split.no";
inline constexpr absl::string_view kSplitCountKey = "split.count";
inline constexpr absl::string_view kSplitTensorsKey = "split.tensors.count";

// The path of shard `number`, counted from 0, of `count`.
std::string ShardPath(absl::string_view prefix, size_t number, size_t count);

struct ShardName {
  std::string prefix;  // with its directory
  size_t number = 0;   // from 0
  size_t count = 0;
  bool operator==(const ShardName&) const = default;
};

// The parts of a shard's path; nullopt if `path` is not called like one.
std::optional<ShardName> ParseShardPath(absl::string_view path);

struct SplitOptions {
  // A shard ends before the tensor with which its tensors, each padded, would
  // take more bytes than this. 0: no limit. A larger tensor is alone in its
  // shard.
  uint64_t max_bytes = 0;
  // A shard ends after so many tensors. 0: no limit.
  uint64_t max_tensors = 0;
  // The first shard holds metadata only.
  bool no_tensor_first_split = false;
};

struct Shard {
  Metadata metadata;
  size_t first_tensor = 0;  // index in the model's tensors
  size_t tensor_count = 0;
};

// Cuts a model into shards as llama-gguf-split does, keys in its order; lay
// each out with PlanLayout. One shard, with `metadata` as it is, if all fits:
// then it is no split model and is called as any file.
// Errors: InvalidArgument as for TensorBytes, and for more than 65535 shards.
absl::StatusOr<std::vector<Shard>> PlanSplit(
    const Metadata& metadata, absl::Span<const TensorInfo> tensors,
    const SplitOptions& options);

// "300M" → 300,000,000: a number with K, M or G, powers of 1000, or none.
// Errors: InvalidArgument for anything else, for 0 and for overflow.
absl::StatusOr<uint64_t> ParseSplitSize(absl::string_view text);

}  // namespace gguf

#endif  // GGUF_SPLIT_H_
