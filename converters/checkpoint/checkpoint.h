// File: converters/checkpoint/checkpoint.h
//
// A Hugging Face checkpoint directory as a TensorSource: safetensors (single
// or sharded with model.safetensors.index.json) and PyTorch .bin files.

#ifndef CONVERTERS_CHECKPOINT_CHECKPOINT_H_
#define CONVERTERS_CHECKPOINT_CHECKPOINT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "converters/tensor_source.h"

namespace checkpoint {

// Opens and validates the weights in `directory`. Safetensors are preferred
// when both formats are there. Tensors are listed in the reference's order:
// files by name, within a safetensors file by name, within a .bin in the order
// of its dictionary.
//
// The files are those that the index lists or, without one, all that are named
// model*.safetensors, else pytorch_model*.bin. Index and files must agree, and
// no tensor may be in two files. Where there is neither, a single
// consolidated*.pth is read, which is the same format; its tensors mostly have
// names of their own, which a converter has to know. Several of them are slices
// of the same tensors, and refused.
//
// A PyTorch file's checksums are checked by the reads that complete its
// storages; see pytorch.h.
//
// Errors: NotFound if there are no weights or a shard is missing; DataLoss for
// a file that is truncated, malformed or at odds with its index; Unimplemented
// for weights in a form that can't be read; PermissionDenied for a .bin whose
// pickle asks for anything else than tensors; each names the file and what is
// wrong in it.
absl::StatusOr<std::unique_ptr<converters::TensorSource>> Open(
    const std::string& directory);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_CHECKPOINT_H_
