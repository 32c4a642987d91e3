// File: converters/fake_source.h
//
// For tests: a TensorSource of names and shapes, without data.

#ifndef CONVERTERS_FAKE_SOURCE_H_
#define CONVERTERS_FAKE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/tensor_source.h"

namespace converters {

class FakeSource : public TensorSource {
 public:
  void Add(std::string name, std::vector<uint64_t> shape,
           absl::string_view dtype = "F32", std::string unreadable = "") {
    SourceTensor tensor;
    tensor.name = std::move(name);
    tensor.file = "fake.safetensors";
    tensor.dtype = dtype;
    tensor.unreadable = std::move(unreadable);
    tensor.shape = std::move(shape);
    tensor.bytes = tensor.elements() * 4;
    tensors_.push_back(std::move(tensor));
  }

  absl::Span<const SourceTensor> tensors() const override { return tensors_; }
  absl::Status Read(size_t, uint64_t, absl::Span<float>) const override {
    return absl::UnimplementedError("no data");
  }

 private:
  std::vector<SourceTensor> tensors_;
};

}  // namespace converters

#endif  // CONVERTERS_FAKE_SOURCE_H_
