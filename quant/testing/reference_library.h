// File: quant/testing/reference_library.h
//
// The official ggml library, where a machine has it: an oracle for tests and
// a yardstick for benchmarks. The environment variable GGML_REFERENCE_LIBRARY
// is the path of a libggml-base.so, such as the one in npm's package
// @node-llama-cpp/linux-x64.

#ifndef QUANT_TESTING_REFERENCE_LIBRARY_H_
#define QUANT_TESTING_REFERENCE_LIBRARY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/types/span.h"
#include "gguf/tensor_type.h"

namespace quant {

class ReferenceLibrary {
 public:
  // Empty if the variable is not set. A library that cannot be loaded or is
  // another one ends the process: it was asked for.
  static std::optional<ReferenceLibrary> FromEnvironment();

  // As quant::QuantizeRows.
  void QuantizeRows(gguf::TensorType type, absl::Span<const float> rows,
                    size_t row_size, absl::Span<const float> importance,
                    absl::Span<uint8_t> out) const;

  // As quant::DequantizeRows; false if the library exports no function for
  // this type.
  bool DequantizeRows(gguf::TensorType type, absl::Span<const uint8_t> rows,
                      absl::Span<float> out) const;

 private:
  using QuantizeChunk = size_t (*)(int type, const float* source,
                                   void* destination, int64_t start,
                                   int64_t num_rows, int64_t row_size,
                                   const float* importance);

  explicit ReferenceLibrary(const std::string& path);

  void* library_;
  QuantizeChunk quantize_;
};

}  // namespace quant

#endif  // QUANT_TESTING_REFERENCE_LIBRARY_H_
