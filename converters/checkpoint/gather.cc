#include "converters/checkpoint/gather.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/to_float.h"

namespace checkpoint {
namespace {

// The most bytes that one read takes.
constexpr uint64_t kWindowBytes = 64 << 10;
// Elements this near to each other are read together with what lies between:
// reading 8 KiB costs about as much as one more system call.
constexpr uint64_t kGapBytes = 8 << 10;

// One direction of a box: `count` elements, `stride` elements apart in the file
// and `step` apart in the output.
struct Axis {
  uint64_t count;
  uint64_t stride;
  uint64_t step;
};
using Axes = absl::InlinedVector<Axis, 4>;

// Part of the output that is a (hyper)rectangle of the view.
struct Box {
  uint64_t begin = 0;  // its first element in the file, in elements
  uint64_t size = 0;   // elements
  Axes axes;
};

// The largest box that begins at element `first` and holds at most `limit`
// elements, whole in all directions but the slowest.
Box BoxAt(const StridedView& view, uint64_t first, uint64_t limit) {
  Box box;
  box.size = 1;
  bool whole = true;  // all faster directions are whole
  uint64_t index = first;
  for (size_t d = view.shape.size(); d-- > 0;) {
    const uint64_t extent = view.shape[d];
    const uint64_t at = index % extent;
    index /= extent;
    box.begin += at * view.strides[d];
    if (!whole) continue;
    const uint64_t count = std::min(extent - at, limit / box.size);
    if (count > 1) box.axes.push_back({count, view.strides[d], box.size});
    box.size *= std::max<uint64_t>(count, 1);
    whole = count == extent;
  }
  return box;
}

// A box in two parts: what one read gives, and how often to read.
struct Schedule {
  Axes inner;
  uint64_t span = 1;  // elements from the first to the last of `inner`
  Axes outer;
  // The first outer axis goes on in pieces of the last inner one, of which the
  // last piece may be shorter: its elements, or 0 if there are no pieces.
  uint64_t split_count = 0;
};

Schedule MakeSchedule(Axes axes, uint64_t element_size) {
  std::sort(axes.begin(), axes.end(),
            [](const Axis& a, const Axis& b) { return a.stride < b.stride; });
  const uint64_t window = kWindowBytes / element_size;
  Schedule schedule;
  size_t i = 0;
  for (; i < axes.size(); ++i) {
    const Axis& axis = axes[i];
    if (axis.stride * element_size > kGapBytes) break;
    // At least one: spans stay below the window.
    const uint64_t fits = axis.stride == 0
                              ? axis.count
                              : (window - schedule.span) / axis.stride + 1;
    if (fits <= 1) break;
    const uint64_t count = std::min(fits, axis.count);
    schedule.inner.push_back({count, axis.stride, axis.step});
    schedule.span += (count - 1) * axis.stride;
    if (count == axis.count) continue;
    schedule.split_count = axis.count;
    schedule.outer.push_back({(axis.count + count - 1) / count,
                              count * axis.stride, count * axis.step});
    ++i;
    break;
  }
  schedule.outer.insert(schedule.outer.end(), axes.begin() + i, axes.end());
  return schedule;
}

// Calls visit(stride sum, step sum, index on the first axis) for each
// combination of the axes' indices, the first axis running fastest. Stops at
// the first error.
template <typename Visit>
absl::Status ForEach(const Axes& axes, const Visit& visit) {
  absl::InlinedVector<uint64_t, 4> index(axes.size(), 0);
  uint64_t in = 0;
  uint64_t out = 0;
  while (true) {
    absl::Status status = visit(in, out, index.empty() ? 0 : index[0]);
    if (!status.ok()) return status;
    size_t d = 0;
    for (; d < axes.size(); ++d) {
      if (++index[d] < axes[d].count) break;
      in -= (axes[d].count - 1) * axes[d].stride;
      out -= (axes[d].count - 1) * axes[d].step;
      index[d] = 0;
    }
    if (d == axes.size()) return absl::OkStatus();
    in += axes[d].stride;
    out += axes[d].step;
  }
}

// Writes the elements of `window` that the axes choose to their places.
void Scatter(const Axes& axes, const float* window, float* out) {
  if (axes.empty()) {
    *out = *window;
    return;
  }
  const Axis fast = axes[0];
  const Axes rest(axes.begin() + 1, axes.end());
  ForEach(rest, [&](uint64_t from, uint64_t to, uint64_t) {
    for (uint64_t i = 0; i < fast.count; ++i) {
      out[to + i * fast.step] = window[from + i * fast.stride];
    }
    return absl::OkStatus();
  }).IgnoreError();  // The visitor has none.
}

// Reads one box to its place.
absl::Status ReadBox(const StridedView& view, const Box& box, float* out,
                     std::vector<char>& bytes, std::vector<float>& floats) {
  const uint64_t size = ElementSize(view.type);
  const Schedule schedule = MakeSchedule(box.axes, size);
  return ForEach(
      schedule.outer, [&](uint64_t from, uint64_t to, uint64_t piece) {
        Axes inner = schedule.inner;
        uint64_t span = schedule.span;
        if (schedule.split_count != 0) {
          Axis& last = inner.back();
          const uint64_t left = schedule.split_count - piece * last.count;
          if (left < last.count) {
            span -= (last.count - left) * last.stride;
            last.count = left;
          }
        }
        bytes.resize(span * size);
        floats.resize(span);
        absl::Status status = view.file->ReadAt(
            view.offset + (box.begin + from) * size, absl::MakeSpan(bytes));
        if (!status.ok()) return status;
        ToFloat(view.type, bytes, absl::MakeSpan(floats));
        Scatter(inner, floats.data(), out + to);
        return absl::OkStatus();
      });
}

}  // namespace

absl::Status Gather(const StridedView& view, uint64_t first,
                    absl::Span<float> out) {
  std::vector<char> bytes;
  std::vector<float> floats;
  while (!out.empty()) {
    const Box box = BoxAt(view, first, out.size());
    absl::Status status = ReadBox(view, box, out.data(), bytes, floats);
    if (!status.ok()) return status;
    first += box.size;
    out.remove_prefix(box.size);
  }
  return absl::OkStatus();
}

}  // namespace checkpoint
