// File: testdata/generator/safetensors_writer.h
//
// Writes a checkpoint's weights as safetensors: one file, or shards with an
// index.

#ifndef TESTDATA_GENERATOR_SAFETENSORS_WRITER_H_
#define TESTDATA_GENERATOR_SAFETENSORS_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "testdata/generator/weights.h"

namespace testdata {

struct TensorSpec {
  std::string name;
  std::vector<uint64_t> shape;  // PyTorch's order
  Spread spread = Spread::kMatrix;

  uint64_t elements() const;
};

// Writes `tensors` to `directory`, in `shards` files of about equal size;
// model.safetensors for 1. Within a file they are in the order of their names.
absl::Status WriteSafetensors(const std::string& directory,
                              std::vector<TensorSpec> tensors, Dtype dtype,
                              uint64_t seed, int shards);

}  // namespace testdata

#endif  // TESTDATA_GENERATOR_SAFETENSORS_WRITER_H_
