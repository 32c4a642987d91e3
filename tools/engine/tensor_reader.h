// File: tools/engine/tensor_reader.h
//
// Reads a planned tensor: follows its row maps into the source's tensors.

#ifndef TOOLS_ENGINE_TENSOR_READER_H_
#define TOOLS_ENGINE_TENSOR_READER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"

namespace make_gguf {

// Where an element of a planned tensor comes from.
struct ElementOrigin {
  size_t source = 0;     // index in TensorSource::tensors()
  uint64_t element = 0;  // within that tensor, row-major
};

// Reads elements of planned tensors. Rows that a map shuffles within a
// contiguous range of the source (a rotary permutation shuffles the rows of a
// head) are read at once and put in order in memory; other rows are read in
// runs. Holds a buffer, so use one reader per thread.
class TensorReader {
 public:
  // `source` must outlive the reader.
  explicit TensorReader(const converters::TensorSource& source)
      : source_(source) {}

  // Elements [first, first + out.size()) of `tensor`, in the output's order.
  // The range must lie within the tensor.
  absl::Status Read(const converters::TensorPlan& tensor, uint64_t first,
                    absl::Span<float> out);

 private:
  absl::Status ReadSegment(const converters::RowSegment& segment,
                           uint64_t row_size, uint64_t first,
                           absl::Span<float> out);
  absl::Status ReadRows(const converters::RowSegment& segment,
                        uint64_t row_size, uint64_t row, absl::Span<float> out);

  const converters::TensorSource& source_;
  std::vector<float> shuffled_;
};

// Tells `source` that elements [first, first + count) of `tensor` will be read
// soon. The range must lie within the tensor.
void Prefetch(const converters::TensorSource& source,
              const converters::TensorPlan& tensor, uint64_t first,
              uint64_t count);

// The origin of element `element` of `tensor`, which must have segments.
ElementOrigin OriginOf(const converters::TensorPlan& tensor, uint64_t element);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_TENSOR_READER_H_
