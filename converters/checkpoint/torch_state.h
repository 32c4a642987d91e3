// File: converters/checkpoint/torch_state.h
//
// A pickled PyTorch state dictionary: what its tensors are and which part of
// which storage they show. Both of torch.save's file formats hold one.

#ifndef CONVERTERS_CHECKPOINT_TORCH_STATE_H_
#define CONVERTERS_CHECKPOINT_TORCH_STATE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/pickle.h"

namespace checkpoint {

// A run of elements in the file, which several tensors may share.
struct TorchStorage {
  std::string key;
  uint64_t elements = 0;
  size_t element_size = 0;

  // At most 2^63 - 1.
  uint64_t bytes() const { return elements * element_size; }
};

struct TorchTensor {
  std::string name;
  ElementType type = ElementType::kF32;
  size_t storage = 0;             // index in TorchState::storages
  uint64_t offset = 0;            // of its first element, in bytes
  std::vector<uint64_t> shape;    // the last extent runs fastest, if contiguous
  std::vector<uint64_t> strides;  // in elements
};

struct TorchState {
  std::vector<TorchStorage> storages;
  std::vector<TorchTensor> tensors;  // in the dictionary's order
};

// The classes and functions that a state dictionary may need, for
// Pickle::Parse: storages, element types, and the functions that make tensors
// and parameters of them.
absl::Span<const absl::string_view> TorchGlobals();

// Reads a dictionary from names to tensors. Whether the tensors lie within
// their storages is for Normalize (stored_tensor.h) to say.
// Errors: DataLoss, saying at which key, for what is no such dictionary;
// Unimplemented for tensors that are no plain arrays of numbers.
absl::StatusOr<TorchState> ReadTorchState(const Pickle& pickle);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_TORCH_STATE_H_
