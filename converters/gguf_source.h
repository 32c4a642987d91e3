// File: converters/gguf_source.h
//
// An existing GGUF model as a source of weights, so that a model is quantized
// from it as llama-quantize does.

#ifndef CONVERTERS_GGUF_SOURCE_H_
#define CONVERTERS_GGUF_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"
#include "gguf/file_set.h"

namespace converters {

class GgufSource : public TensorSource {
 public:
  // Opens a GGUF file, or all shards of a split model by the name of one.
  // Errors: those of gguf::FileSet::Open.
  static absl::StatusOr<std::unique_ptr<GgufSource>> Open(
      absl::string_view path);

  absl::Span<const SourceTensor> tensors() const override { return tensors_; }

  std::vector<SourceFile> files() const override;

  // Blocks are dequantized; `first` and out.size() must be multiples of the
  // block size of the tensor's type.
  // Errors: besides those of TensorSource, InvalidArgument if they are not,
  // OutOfRange for elements that the tensor does not have, Unimplemented for a
  // type that can't be dequantized.
  absl::Status Read(size_t tensor, uint64_t first,
                    absl::Span<float> out) const override;

  void Prefetch(size_t tensor, uint64_t first, uint64_t count) const override;

  absl::Status ReadStored(size_t tensor, uint64_t offset,
                          absl::Span<uint8_t> out) const override {
    return model_->ReadTensorBytes(tensor, offset, out);
  }

  // The model's bytes, metadata and tensor types; its tensors are numbered as
  // in tensors().
  const gguf::FileSet& model() const { return *model_; }

 private:
  explicit GgufSource(std::unique_ptr<gguf::FileSet> model);

  std::unique_ptr<gguf::FileSet> model_;
  std::vector<SourceTensor> tensors_;
};

// The plan that leaves a model as it is: each tensor is the source's of the
// same number, stored_type says how the file has it, and the metadata is the
// file's, but for a general.file_type of 0.
// Errors: InvalidArgument if the file has no general.architecture.
absl::StatusOr<ModelPlan> PlanGguf(const GgufSource& source);

}  // namespace converters

#endif  // CONVERTERS_GGUF_SOURCE_H_
