// File: converters/checkpoint/pytorch.h
//
// One file of torch.save that holds a state dictionary (pytorch_model.bin): in
// the zip format of PyTorch 1.6 and later, or the older one of a row of pickles
// that the storages follow.
// Source: torch/serialization.py of PyTorch.

#ifndef CONVERTERS_CHECKPOINT_PYTORCH_H_
#define CONVERTERS_CHECKPOINT_PYTORCH_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/stored_tensor.h"

namespace checkpoint {

// The tensors of `data`, in the dictionary's order. Each has `file` for its
// file. No tensor is read. The file's pickles are read as data: nothing in them
// is run, and they are refused if they ask for anything else than tensors.
//
// A zip member's CRC is checked by the read that completes it, in whatever
// order it was read; the pickle's before it is looked at.
//
// Errors: PermissionDenied for a pickle that asks for any other class or
// function than tensors need; Unimplemented for TorchScript, for compressed or
// encrypted members and for big-endian files; DataLoss for damage. Each names
// the file.
absl::StatusOr<std::vector<StoredTensor>> ReadPyTorch(
    std::shared_ptr<const File> data, const std::string& file);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_PYTORCH_H_
