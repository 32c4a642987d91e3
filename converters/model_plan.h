// File: converters/model_plan.h
//
// What a converter makes of a checkpoint: the metadata and, for each tensor of
// the model, which views of which source tensors it consists of. Nothing of a
// tensor's data is needed to make a plan, and nothing but a plan and its
// TensorSource is needed to write the file.

#ifndef CONVERTERS_MODEL_PLAN_H_
#define CONVERTERS_MODEL_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/tensor_source.h"
#include "converters/tensor_view.h"
#include "converters/value_map.h"
#include "converters/warning.h"
#include "gguf/metadata.h"
#include "gguf/tensor_type.h"

namespace converters {

// Elements of one source tensor, and what is done to each, one map after the
// other. (A tensor of zeros has no source: TensorView::kZeros.)
struct TensorPart {
  TensorView view;
  std::vector<ValueMap> maps;
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

  // The data: either `parts`, which follow each other, or, for a tensor that
  // the converter computes, all its values.
  std::vector<TensorPart> parts;
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

// Elements [first, first + out.size()) of the tensor, in its order, in the
// precision of F32. The range must lie within the tensor. Thread-safe.
// Errors: those of TensorSource::Read.
absl::Status ReadTensor(const TensorSource& source, const TensorPlan& tensor,
                        uint64_t first, absl::Span<float> out);

// Reads tensors piece by piece. Where neighbours in a tensor are far from each
// other in its source (a transposed matrix) a small piece would take a read for
// each of its elements; there, more is read at once and kept: 4 MiB at most.
// One for each thread.
class TensorReader {
 public:
  // `source`, and the tensors that are read, must outlive it.
  explicit TensorReader(const TensorSource& source) : source_(source) {}

  // What a reader of any of these tensors keeps, in bytes.
  static uint64_t Memory(const ModelPlan& plan);

  // As ReadTensor. Elements up to `end` are going to be asked for next.
  absl::Status Read(const TensorPlan& tensor, uint64_t first, uint64_t end,
                    absl::Span<float> out);

 private:
  const TensorSource& source_;
  const TensorPlan* tensor_ = nullptr;  // of what is kept
  uint64_t first_ = 0;
  std::vector<float> kept_;
};

// Tells `source` that elements [first, first + count) of `tensor` will be read
// soon. The range must lie within the tensor.
void PrefetchTensor(const TensorSource& source, const TensorPlan& tensor,
                    uint64_t first, uint64_t count);

// Where an element of a planned tensor comes from.
struct ElementOrigin {
  size_t source = 0;     // index in TensorSource::tensors(), or kZeros
  uint64_t element = 0;  // within that tensor, row-major
};

// The origin of element `element` of `tensor`, which must have parts.
ElementOrigin OriginOf(const TensorPlan& tensor, uint64_t element);

// An error, which says why, if one of the tensors needs a source tensor that
// can't be read (SourceTensor::unreadable). Those that none needs may be so.
absl::Status CheckReadable(absl::Span<const TensorPlan> tensors,
                           const TensorSource& source);

}  // namespace converters

#endif  // CONVERTERS_MODEL_PLAN_H_
