// File: gguf/file_set.h
//
// A model as a whole, whether it is one GGUF file or a set of shards.

#ifndef GGUF_FILE_SET_H_
#define GGUF_FILE_SET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/file.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"

namespace gguf {

// Immutable, so safe to use from any thread.
class FileSet {
 public:
  // Opens the file and, if it is a shard of a split model, all the others,
  // which lie beside it. Any of the shards may be named.
  // Errors: those of File::Open; FailedPrecondition, naming the file, if a
  // shard is missing or is not called like one; DataLoss if the shards
  // contradict each other or hold other than the tensors they promise.
  static absl::StatusOr<std::unique_ptr<FileSet>> Open(absl::string_view path);

  // Opens this file alone, even if it is a shard. Its metadata keeps the
  // split.* keys.
  static absl::StatusOr<std::unique_ptr<FileSet>> OpenAlone(
      absl::string_view path);

  // At least one; shards in their order.
  size_t file_count() const { return files_.size(); }
  // The first one's metadata are metadata() below, no longer its own.
  const File& file(size_t number) const { return *files_[number]; }

  // The model's metadata: the first shard's, without the split.* keys if this
  // is the whole model.
  const Metadata& metadata() const { return metadata_; }
  // The tensors of all shards, one shard after the other.
  absl::Span<const TensorInfo> tensors() const { return tensors_; }

  // Which file tensor number `tensor` is in, and its number there.
  struct Location {
    size_t file = 0;
    size_t tensor = 0;
  };
  Location location(size_t tensor) const { return locations_[tensor]; }

  std::optional<size_t> FindTensor(absl::string_view name) const;

  // As File::ReadTensorBytes.
  absl::Status ReadTensorBytes(size_t tensor, uint64_t offset,
                               absl::Span<uint8_t> out) const;
  // As File::PrefetchTensorBytes.
  void PrefetchTensorBytes(size_t tensor, uint64_t offset, uint64_t size) const;

 private:
  FileSet() = default;

  absl::Status OpenShards(std::unique_ptr<File> first_opened);
  absl::Status Join();
  absl::Status CheckTensorCount() const;

  std::vector<std::unique_ptr<File>> files_;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::vector<Location> locations_;
  absl::flat_hash_map<absl::string_view, size_t> index_;
};

// The number of shards that this file says the model has: 1 if it says
// nothing.
size_t ShardCount(const File& file);

}  // namespace gguf

#endif  // GGUF_FILE_SET_H_
