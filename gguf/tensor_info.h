// File: gguf/tensor_info.h
//
// What a GGUF file says of a tensor, apart from where its data is.

#ifndef GGUF_TENSOR_INFO_H_
#define GGUF_TENSOR_INFO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/tensor_type.h"

namespace gguf {

struct TensorInfo {
  std::string name;
  TensorType type = TensorType::kF32;
  // ggml's order: shape[0] is the row length (the contiguous dimension), so a
  // PyTorch Linear of [out, in] has shape {in, out}. 1 to 4 dimensions.
  std::vector<uint64_t> shape;

  bool operator==(const TensorInfo&) const = default;
};

}  // namespace gguf

#endif  // GGUF_TENSOR_INFO_H_
