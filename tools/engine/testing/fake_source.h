// File: tools/engine/testing/fake_source.h
//
// A checkpoint in memory, for tests.

#ifndef TOOLS_ENGINE_TESTING_FAKE_SOURCE_H_
#define TOOLS_ENGINE_TESTING_FAKE_SOURCE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "converters/tensor_source.h"

namespace make_gguf {

class FakeSource : public converters::TensorSource {
 public:
  // Elements of a tensor.
  struct Range {
    size_t tensor;
    uint64_t first, count;
    bool operator==(const Range&) const = default;
  };

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
    if (counter != nullptr) *counter += out.size();
    NoteRead(tensor, first, out.size());
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

  void Prefetch(size_t tensor, uint64_t first, uint64_t count) const override {
    absl::MutexLock lock(&mutex_);
    announced_.push_back({tensor, first, count});
  }

  std::vector<float>& values(size_t tensor) { return values_[tensor]; }
  uint64_t reads() const { return reads_; }
  uint64_t values_read() const { return values_read_; }

  // What was announced, in order.
  std::vector<Range> announced() const {
    absl::MutexLock lock(&mutex_);
    return announced_;
  }
  // Tensors of which something was read that had not been announced.
  std::vector<std::string> unannounced_reads() const {
    absl::MutexLock lock(&mutex_);
    return unannounced_;
  }

  // Called with the number of the read, from 0; its error becomes the read's.
  std::function<absl::Status(uint64_t)> before_read;
  // Counts the values read as well, if it is set.
  std::atomic<uint64_t>* counter = nullptr;

 private:
  void NoteRead(size_t tensor, uint64_t first, uint64_t count) const {
    absl::MutexLock lock(&mutex_);
    for (const Range& range : announced_) {
      if (range.tensor == tensor && range.first <= first &&
          first + count <= range.first + range.count) {
        return;
      }
    }
    unannounced_.push_back(tensors_[tensor].name);
  }

  std::vector<converters::SourceTensor> tensors_;
  std::vector<std::vector<float>> values_;
  mutable std::atomic<uint64_t> reads_{0};
  mutable std::atomic<uint64_t> values_read_{0};
  mutable absl::Mutex mutex_;
  mutable std::vector<Range> announced_ ABSL_GUARDED_BY(mutex_);
  mutable std::vector<std::string> unannounced_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_TESTING_FAKE_SOURCE_H_
