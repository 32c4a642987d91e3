// File: converters/tensor_view.h
//
// Part of a source tensor, in any order of its elements: what PyTorch calls a
// strided view. Shapes and axes are PyTorch's: the last axis is contiguous.

#ifndef CONVERTERS_TENSOR_VIEW_H_
#define CONVERTERS_TENSOR_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"

namespace converters {

// A value. What can't be (an axis divided by what doesn't divide it, a slice
// beyond its end, nothing at all) makes a view that doesn't fit, and so are all
// views of it: sizes come from configurations, and are checked once, at the
// end.
struct TensorView {
  // A source that isn't there: its elements are zeros.
  static constexpr size_t kZeros = ~size_t{0};

  struct Dim {
    uint64_t extent;
    uint64_t stride;  // in elements of the source
    bool operator==(const Dim&) const = default;
  };
  using Shape = std::vector<uint64_t>;

  // All of source tensor number `source`, whose shape this is.
  static TensorView Of(size_t source, absl::Span<const uint64_t> shape);
  static TensorView Zeros(absl::Span<const uint64_t> shape) {
    return Of(kZeros, shape);
  }

  // The same elements in the same order in another shape.
  TensorView Reshape(absl::Span<const uint64_t> new_shape) const;
  // With these two axes changed for each other.
  TensorView Swap(size_t axis, size_t other) const;
  // Of this axis `count` indices, `step` apart, from `first` on.
  TensorView Slice(size_t axis, uint64_t first, uint64_t count,
                   uint64_t step = 1) const;

  // The orders of rows (axis 0) that are common.
  // From Hugging Face's order of a rotary head, first halves and then second
  // halves of the rotated pairs, to GGUF's, where the two of a pair are
  // neighbours. Each head has an even number of rows.
  TensorView Rotary(uint64_t heads) const;
  // From each of `groups` groups of rows those from `first` on: the queries,
  // say, of a fused layout.
  TensorView Grouped(uint64_t groups, uint64_t first, uint64_t count) const;

  bool fits() const { return elements > 0; }
  // The source's element that stands at place `element` of the view.
  uint64_t Origin(uint64_t element) const;
  // How many elements from `element` on, at least 1, stand one after the other
  // in the source as well.
  uint64_t RunLength(uint64_t element) const;
  // A range of the source's elements, {first, count}, in which elements
  // [first, first + count) of the view lie; it need not be the smallest.
  std::pair<uint64_t, uint64_t> Bounds(uint64_t first, uint64_t count) const;

  size_t source = 0;  // index in TensorSource::tensors(), or kZeros
  uint64_t offset = 0;
  // The view in the fewest dimensions that describe it, the last running
  // fastest, none of extent 1.
  absl::InlinedVector<Dim, 4> dims;
  uint64_t elements = 0;  // the product of the extents
  Shape shape;            // in which it is seen, of as many elements
};

}  // namespace converters

#endif  // CONVERTERS_TENSOR_VIEW_H_
