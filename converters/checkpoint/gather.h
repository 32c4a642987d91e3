// File: converters/checkpoint/gather.h
//
// Reads tensors whose elements do not lie in the file in the order in which
// they are wanted: transposed, sliced or expanded views, as PyTorch saves them.

#ifndef CONVERTERS_CHECKPOINT_GATHER_H_
#define CONVERTERS_CHECKPOINT_GATHER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/file.h"

namespace checkpoint {

// A view of a file's elements: element (i0, i1, …) lies
// `offset + ElementSize(type) * sum(i * stride)` bytes into the file.
struct StridedView {
  const File* file;
  uint64_t offset;
  ElementType type;
  absl::Span<const uint64_t> shape;
  absl::Span<const uint64_t> strides;
};

// Reads elements [first, first + out.size()) of the view in row-major order.
// Goes through the file upwards where it can, and reads gaps of up to 8 KiB
// through rather than around. Uses no more than some 300 KB of memory.
// Requires: the range lies within the view, and the view within the file.
// Errors: those of File::ReadAt.
absl::Status Gather(const StridedView& view, uint64_t first,
                    absl::Span<float> out);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_GATHER_H_
