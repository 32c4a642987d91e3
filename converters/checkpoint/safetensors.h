// File: converters/checkpoint/safetensors.h
//
// One safetensors file: 8 bytes with the header's length, little endian; the
// header, a JSON object {"name": {"dtype": "BF16", "shape": [2, 3],
// "data_offsets": [begin, end]}, …, "__metadata__": {"key": "value", …}}; and
// the tensors' data, without holes, to the end of the file.
// Source: https://github.com/huggingface/safetensors#format

#ifndef CONVERTERS_CHECKPOINT_SAFETENSORS_H_
#define CONVERTERS_CHECKPOINT_SAFETENSORS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/stored_tensor.h"

namespace checkpoint {

// The longest header that the format allows.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

// The tensors of `data`, by name in byte order, which is the order in which
// the safetensors library and the reference converter list them. Each has
// `file` for its file. Reads the header alone.
// Errors: DataLoss for everything that the safetensors library refuses, and for
// what its format description forbids besides (a name that occurs twice, a
// header that does not begin with '{'); Unimplemented for an element type that
// is no weight's (a packed or complex one); each says what was found where.
absl::StatusOr<std::vector<StoredTensor>> ReadSafetensors(
    std::shared_ptr<const File> data, const std::string& file);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_SAFETENSORS_H_
