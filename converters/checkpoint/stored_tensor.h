// File: converters/checkpoint/stored_tensor.h
//
// What every checkpoint format comes down to: for each tensor an element type,
// a shape, and a place in a file. A reader of a format makes StoredTensors, and
// StoredTensorSource makes a TensorSource of them.

#ifndef CONVERTERS_CHECKPOINT_STORED_TENSOR_H_
#define CONVERTERS_CHECKPOINT_STORED_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/file.h"
#include "converters/tensor_source.h"

namespace checkpoint {

struct StoredTensor {
  std::string name;
  std::string file;  // the file's name within the checkpoint, for messages
  ElementType type = ElementType::kF32;
  std::vector<uint64_t> shape;  // the last extent runs fastest
  std::shared_ptr<const File> data;
  uint64_t offset = 0;  // of the first element in `data`, in bytes
  // One per extent, in elements: where the elements lie if not in row-major
  // order one after the other. 0 repeats. Empty: row-major.
  std::vector<uint64_t> strides;
  // Of a tensor whose type is none of ElementType's: why it can't be read, and
  // its type's name (static) and size in place of `type`.
  std::string unreadable;
  absl::string_view foreign_type;
  uint64_t foreign_bytes = 0;
};

// OK if every element of the tensor lies within its file, and the numbers of
// its elements and bytes fit 63 bits. Strides of no consequence (of a tensor
// that is stored row-major after all, or holds nothing) are dropped.
absl::Status Normalize(StoredTensor& tensor);

class StoredTensorSource : public converters::TensorSource {
 public:
  // Requires: each tensor has passed Normalize, or is unreadable.
  explicit StoredTensorSource(std::vector<StoredTensor> tensors);

  absl::Span<const converters::SourceTensor> tensors() const override {
    return tensors_;
  }
  std::vector<converters::SourceFile> files() const override;
  absl::Status Read(size_t tensor, uint64_t first,
                    absl::Span<float> out) const override;
  void Prefetch(size_t tensor, uint64_t first, uint64_t count) const override;

 private:
  std::vector<StoredTensor> stored_;
  std::vector<converters::SourceTensor> tensors_;
};

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_STORED_TENSOR_H_
