// File: converters/tensor_source.h
//
// Where weights come from: a list of named tensors whose rows can be read as
// floats, in any order, from any thread. A checkpoint is one; an existing
// GGUF file is another.

#ifndef CONVERTERS_TENSOR_SOURCE_H_
#define CONVERTERS_TENSOR_SOURCE_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/tensor_view.h"

namespace converters {

struct SourceTensor {
  std::string name;
  std::string file;             // for error messages: the file's name
  absl::string_view dtype;      // "BF16", as the source spells it; static
  std::vector<uint64_t> shape;  // PyTorch's order: the last is contiguous
  uint64_t bytes = 0;           // stored size, for progress and accounting
  // Why Read can't give its values, with what to do; empty if it can.
  std::string unreadable = "";

  uint64_t elements() const;
};

// A file that is read, as it was when it was opened: what tells it from any
// other, whatever gets its name meanwhile.
struct SourceFile {
  std::string path;
  uint64_t size = 0;     // bytes
  int64_t modified = 0;  // nanoseconds since 1970
  int64_t changed = 0;   // the same; no program can set it back
  uint64_t inode = 0;
  uint64_t device = 0;
};
SourceFile MakeSourceFile(absl::string_view path, const struct stat& info);

class TensorSource {
 public:
  virtual ~TensorSource() = default;

  // In the order in which the source lists them. Constant for the object's
  // lifetime.
  virtual absl::Span<const SourceTensor> tensors() const = 0;

  // All files that values come from, each once, in the order of the tensors.
  virtual std::vector<SourceFile> files() const { return {}; }

  // Reads elements [first, first + out.size()) of tensor number `tensor`, in
  // row-major order, as floats. Values are converted exactly where F32 can
  // hold them and rounded to nearest even where not (F64, I64). Thread-safe;
  // reads no byte that was not asked for (but whole blocks of block formats,
  // whose bounds `first` and the length must respect).
  // Errors: DataLoss when the file is shorter than it was or can't be read
  // (names file, tensor and offset).
  virtual absl::Status Read(size_t tensor, uint64_t first,
                            absl::Span<float> out) const = 0;

  // Says that elements [first, first + count) will be read soon, so that the
  // system can fetch them from the disk meanwhile. Thread-safe, doesn't wait,
  // changes no result. `first` and `count` must lie within the tensor; block
  // formats round them to whole blocks.
  virtual void Prefetch(size_t tensor, uint64_t first, uint64_t count) const;

  // Reads elements [first, first + out.size()) of a view of one of the tensors,
  // which must lie within the view. Thread-safe; may read what lies between
  // elements that are wanted. Errors: as of Read.
  absl::Status ReadView(const TensorView& view, uint64_t first,
                        absl::Span<float> out) const;

  // As Prefetch, for elements of a view.
  void PrefetchView(const TensorView& view, uint64_t first,
                    uint64_t count) const;

  // Reads out.size() bytes of the tensor as it is stored, from byte `offset`
  // on. Thread-safe.
  // Errors: as of Read; Unimplemented where the stored form is no GGUF type.
  virtual absl::Status ReadStored(size_t tensor, uint64_t offset,
                                  absl::Span<uint8_t> out) const;
};

}  // namespace converters

#endif  // CONVERTERS_TENSOR_SOURCE_H_
