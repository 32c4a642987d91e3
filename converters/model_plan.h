// File: converters/model_plan.h
//
// What a converter makes of a checkpoint: the metadata and, for each tensor of
// the model, which rows of which source tensors it consists of. Nothing of a
// tensor's data is needed to make a plan, and nothing but a plan and its
// TensorSource is needed to write the file.

#ifndef CONVERTERS_MODEL_PLAN_H_
#define CONVERTERS_MODEL_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "converters/warning.h"
#include "gguf/metadata.h"
#include "gguf/tensor_type.h"

namespace converters {

// Which rows of a source tensor, in which order: a mixed-radix counter. Output
// row r, written in digits of the given extents (the last digit runs fastest),
// is source row `first + sum(digit[i] * digits[i].stride)`. One digit
// {n, 1} is n consecutive rows; the rotary permutation of H heads of size D is
// {{H, D}, {D/2, 1}, {2, D/2}}.
struct RowMap {
  struct Digit {
    uint64_t extent;
    uint64_t stride;
  };
  uint64_t first = 0;
  absl::InlinedVector<Digit, 3> digits;

  // Product of the extents.
  uint64_t rows() const;
  // The source row of output row `row` < rows().
  uint64_t SourceRow(uint64_t row) const;
  // How many output rows from `row` on, at least 1, are consecutive source
  // rows, so that they can be read at once.
  uint64_t RunLength(uint64_t row) const;
};

// Rows of one source tensor, which is seen as a matrix of
// `TensorPlan::row_size` columns whatever its shape.
struct RowSegment {
  size_t source = 0;  // index in TensorSource::tensors()
  RowMap rows;
};

// How exactly a tensor's type is chosen when no mix says otherwise.
enum class Precision {
  kF32,       // always F32: 1-D tensors, norms, router inputs
  kFileType,  // the type of the file: F32, F16, BF16 or a quantized type
};

struct TensorPlan {
  std::string name;             // "blk.0.attn_q.weight"
  std::vector<uint64_t> shape;  // ggml's order, shape[0] is contiguous
  Precision precision = Precision::kFileType;
  // The type in which a GGUF source holds the tensor; absent where the source
  // is a checkpoint. It is the tensor's type in the intermediate: values do
  // not pass through F16, and outputs of this type hold the source's bytes.
  std::optional<gguf::TensorType> stored_type;

  // The data: either `segments`, which follow each other, or, for a tensor
  // that the converter computes, all its values.
  // Elements per row of the segments: shape[0], or a divisor of it where a 1-D
  // tensor is gathered (a permuted bias has rows of one element).
  uint64_t row_size = 0;
  std::vector<RowSegment> segments;
  std::vector<float> values;

  uint64_t elements() const;
};

struct ModelPlan {
  std::string architecture;  // general.architecture
  // Everything that the converted file says, in its order, but for
  // general.file_type, whose place is kept by a value of 0 where the converter
  // writes the key.
  gguf::Metadata metadata;
  // In the converted file's order.
  std::vector<TensorPlan> tensors;
  // What the user should hear once: tensors that were dropped, defaults that
  // were assumed.
  std::vector<Warning> warnings;
};

}  // namespace converters

#endif  // CONVERTERS_MODEL_PLAN_H_
