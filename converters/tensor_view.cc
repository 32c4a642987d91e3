#include "converters/tensor_view.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"

namespace converters {
namespace {

using Dims = absl::InlinedVector<TensorView::Dim, 4>;

// Of what can't be, only the source is known.
TensorView NoFit(size_t source) {
  TensorView view;
  view.source = source;
  return view;
}

// The product, or nothing where there are no elements or too many to count.
std::optional<uint64_t> Elements(absl::Span<const uint64_t> shape) {
  uint64_t product = 1;
  for (uint64_t extent : shape) {
    if (extent == 0 || product > std::numeric_limits<int64_t>::max() / extent) {
      return std::nullopt;
    }
    product *= extent;
  }
  return product;
}

// The dimensions that make up each axis of `shape`; nothing if the borders of
// axes don't fall on what the dimensions can be divided into. Both have as
// many elements.
std::optional<std::vector<Dims>> ByAxis(Dims dims,
                                        absl::Span<const uint64_t> shape) {
  std::vector<Dims> axes;
  size_t next = 0;
  for (uint64_t left : shape) {
    Dims& axis = axes.emplace_back();
    while (left > 1) {
      TensorView::Dim& dim = dims[next];
      if (left % dim.extent == 0) {
        axis.push_back(dim);
        left /= dim.extent;
        ++next;
      } else if (dim.extent % left == 0) {
        dim.extent /= left;
        axis.push_back({left, dim.extent * dim.stride});
        left = 1;
      } else {
        return std::nullopt;
      }
    }
  }
  return axes;
}

// The view of these axes, its dimensions as few as can be.
TensorView FromAxes(const TensorView& from, absl::Span<const Dims> axes) {
  TensorView view;
  view.source = from.source;
  view.offset = from.offset;
  view.elements = 1;
  for (const Dims& axis : axes) {
    uint64_t extent = 1;
    for (const TensorView::Dim& dim : axis) {
      if (dim.extent == 1) continue;
      extent *= dim.extent;
      if (!view.dims.empty() &&
          view.dims.back().stride == dim.extent * dim.stride) {
        view.dims.back() = {view.dims.back().extent * dim.extent, dim.stride};
      } else {
        view.dims.push_back(dim);
      }
    }
    view.elements *= extent;
    view.shape.push_back(extent);
  }
  return view;
}

}  // namespace

TensorView TensorView::Of(size_t source, absl::Span<const uint64_t> shape) {
  const std::optional<uint64_t> elements = Elements(shape);
  if (!elements.has_value()) return NoFit(source);
  TensorView view;
  view.source = source;
  if (*elements > 1)
    view.dims.push_back({*elements, source == kZeros ? 0u : 1u});
  view.elements = *elements;
  view.shape.assign(shape.begin(), shape.end());
  return view;
}

TensorView TensorView::Reshape(absl::Span<const uint64_t> new_shape) const {
  if (!fits() || Elements(new_shape) != elements) return NoFit(source);
  if (!ByAxis(dims, new_shape).has_value()) return NoFit(source);
  TensorView view = *this;
  view.shape.assign(new_shape.begin(), new_shape.end());
  return view;
}

TensorView TensorView::Swap(size_t axis, size_t other) const {
  if (!fits() || axis >= shape.size() || other >= shape.size())
    return NoFit(source);
  std::vector<Dims> axes = *ByAxis(dims, shape);
  std::swap(axes[axis], axes[other]);
  return FromAxes(*this, axes);
}

TensorView TensorView::Slice(size_t axis, uint64_t first, uint64_t count,
                             uint64_t step) const {
  if (!fits() || axis >= shape.size()) return NoFit(source);
  const uint64_t extent = shape[axis];
  if (first >= extent || count == 0 || step == 0 ||
      count - 1 > (extent - 1 - first) / step) {
    return NoFit(source);
  }
  if (first == 0 && count == extent) return *this;
  std::vector<Dims> axes = *ByAxis(dims, shape);
  // An axis of several dimensions, a permuted one, has no single stride.
  if (axes[axis].size() != 1) return NoFit(source);
  Dim& dim = axes[axis][0];
  TensorView from = *this;
  from.offset += first * dim.stride;
  dim = {count, dim.stride * step};
  return FromAxes(from, axes);
}

TensorView TensorView::Rotary(uint64_t heads) const {
  if (!fits() || shape.empty() || heads == 0 || shape[0] % heads != 0 ||
      shape[0] / heads % 2 != 0) {
    return NoFit(source);
  }
  Shape by_head = {heads, 2, shape[0] / heads / 2};
  by_head.insert(by_head.end(), shape.begin() + 1, shape.end());
  return Reshape(by_head).Swap(1, 2).Reshape(shape);
}

TensorView TensorView::Grouped(uint64_t groups, uint64_t first,
                               uint64_t count) const {
  if (!fits() || shape.empty() || groups == 0 || shape[0] % groups != 0) {
    return NoFit(source);
  }
  Shape by_group = {groups, shape[0] / groups};
  by_group.insert(by_group.end(), shape.begin() + 1, shape.end());
  Shape rows = shape;
  rows[0] = groups * count;
  return Reshape(by_group).Slice(1, first, count).Reshape(rows);
}

uint64_t TensorView::Origin(uint64_t element) const {
  uint64_t origin = offset;
  for (size_t i = dims.size(); i-- > 0;) {
    origin += element % dims[i].extent * dims[i].stride;
    element /= dims[i].extent;
  }
  return origin;
}

uint64_t TensorView::RunLength(uint64_t element) const {
  if (dims.empty() || dims.back().stride != 1) return 1;
  return dims.back().extent - element % dims.back().extent;
}

std::pair<uint64_t, uint64_t> TensorView::Bounds(uint64_t first,
                                                 uint64_t count) const {
  if (count == 0) return {offset, 0};
  uint64_t last = first + count - 1;
  // The slowest dimension whose index changes counts from its first to its
  // last index, and all faster ones whole.
  uint64_t low = Origin(first), high = Origin(last);
  uint64_t inner = 0;  // from the first to the last element of faster ones
  for (size_t i = dims.size(); i-- > 0 && first != last;) {
    const uint64_t begin = first % dims[i].extent;
    const uint64_t end = last % dims[i].extent;
    first /= dims[i].extent;
    last /= dims[i].extent;
    if (first == last) {
      // Of the faster dimensions, the first element of index `begin` and the
      // last of index `end`.
      const uint64_t base = Origin(0);
      uint64_t outer = first;
      low = base + begin * dims[i].stride;
      high = base + end * dims[i].stride + inner;
      for (size_t j = i; j-- > 0;) {
        const uint64_t at = outer % dims[j].extent * dims[j].stride;
        low += at;
        high += at;
        outer /= dims[j].extent;
      }
    }
    inner += (dims[i].extent - 1) * dims[i].stride;
  }
  return {low, high - low + 1};
}

}  // namespace converters
