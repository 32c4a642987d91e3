// File: gguf/file.h
//
// An existing GGUF file, read and validated.

#ifndef GGUF_FILE_H_
#define GGUF_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "gguf/header_parser.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"

namespace gguf {

// Immutable, so safe to use from any thread.
class File {
 public:
  // Opens a little-endian file of version 2 or 3 and checks all of it but the
  // tensors' data: the header (see ParseHeader), the alignment, that the
  // tensors' data follow each other without gap or overlap, as ggml demands,
  // that padding is zero, and that the file ends where the last tensor or its
  // padding ends.
  // Errors: those of ParseHeader; DataLoss, naming file and key or tensor, for
  // anything else that is damaged.
  static absl::StatusOr<std::unique_ptr<File>> Open(absl::string_view path);

  const std::string& path() const { return input_->path(); }
  uint64_t size() const { return input_->size(); }
  // Of the file that is read, as it was when it was opened.
  const struct stat& info() const { return input_->info(); }
  uint32_t version() const { return header_.version; }
  const Metadata& metadata() const { return header_.metadata; }
  // Gives it away: of a large vocabulary one copy is enough.
  Metadata TakeMetadata() { return std::move(header_.metadata); }
  absl::Span<const TensorInfo> tensors() const { return header_.tensors; }

  uint64_t alignment() const { return alignment_; }
  // Where the data starts in the file.
  uint64_t data_offset() const { return data_offset_; }
  // Where tensor number `tensor` lies, counted from there.
  const TensorPlacement& placement(size_t tensor) const {
    return placements_[tensor];
  }

  // The number of the tensor of this name, nullopt if there is none.
  std::optional<size_t> FindTensor(absl::string_view name) const;

  // Fills `out` from byte `offset` of the data of tensor number `tensor`.
  // Errors: OutOfRange if that lies outside of the tensor; DataLoss, naming
  // file and tensor, if the file was cut meanwhile or can't be read.
  absl::Status ReadTensorBytes(size_t tensor, uint64_t offset,
                               absl::Span<uint8_t> out) const;
  // Says that these bytes of tensor number `tensor` will be read soon.
  void PrefetchTensorBytes(size_t tensor, uint64_t offset, uint64_t size) const;

 private:
  File(std::unique_ptr<base::InputFile> input, Header header);

  absl::Status Validate();
  absl::Status PlaceTensors();
  absl::Status CheckEnd(uint64_t padded_end) const;
  absl::Status CheckZeros(uint64_t begin, uint64_t end,
                          absl::string_view where) const;
  absl::Status Damaged(absl::string_view what) const;

  std::unique_ptr<base::InputFile> input_;
  Header header_;
  uint64_t alignment_ = kDefaultAlignment;
  uint64_t data_offset_ = 0;
  std::vector<TensorPlacement> placements_;
  absl::flat_hash_map<absl::string_view, size_t> index_;
};

}  // namespace gguf

#endif  // GGUF_FILE_H_
