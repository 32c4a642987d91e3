// File: tools/fake_source.h
//
// A checkpoint in memory, for tests.

#ifndef TOOLS_FAKE_SOURCE_H_
#define TOOLS_FAKE_SOURCE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/tensor_source.h"

namespace make_gguf {

class FakeSource : public converters::TensorSource {
 public:
  // Adds a tensor and returns its number.
  size_t Add(const std::string& name, std::vector<uint64_t> shape,
             std::vector<float> values) {
    converters::SourceTensor tensor;
    tensor.name = name;
    tensor.file = "fake.safetensors";
    tensor.dtype = "F32";
    tensor.shape = std::move(shape);
    tensor.bytes = values.size() * sizeof(float);
    tensors_.push_back(std::move(tensor));
    values_.push_back(std::move(values));
    return tensors_.size() - 1;
  }

  absl::Span<const converters::SourceTensor> tensors() const override {
    return tensors_;
  }

  absl::Status Read(size_t tensor, uint64_t first,
                    absl::Span<float> out) const override {
    const uint64_t number = reads_++;
    values_read_ += out.size();
    if (before_read) {
      absl::Status status = before_read(number);
      if (!status.ok()) return status;
    }
    const std::vector<float>& values = values_[tensor];
    if (first + out.size() > values.size()) {
      return absl::DataLossError("fake.safetensors: read past the end");
    }
    std::copy_n(values.begin() + first, out.size(), out.begin());
    return absl::OkStatus();
  }

  std::vector<float>& values(size_t tensor) { return values_[tensor]; }
  uint64_t reads() const { return reads_; }
  uint64_t values_read() const { return values_read_; }

  // Called with the number of the read, from 0; its error becomes the read's.
  std::function<absl::Status(uint64_t)> before_read;

 private:
  std::vector<converters::SourceTensor> tensors_;
  std::vector<std::vector<float>> values_;
  mutable std::atomic<uint64_t> reads_{0};
  mutable std::atomic<uint64_t> values_read_{0};
};

}  // namespace make_gguf

#endif  // TOOLS_FAKE_SOURCE_H_
