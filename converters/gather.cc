#include "converters/gather.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

namespace converters {
namespace {

// Elements that are read before they are sorted: few enough for the caches.
constexpr uint64_t kWindow = 32 << 10;
// Pieces shorter than this that are this near to each other are read together
// with what lies between, which costs no more than one more system call.
constexpr uint64_t kShortPiece = 256;
constexpr uint64_t kGap = 2 << 10;
// Runs from here on are worth a read of their own.
constexpr uint64_t kLongRun = 2 << 10;

// One direction of a box: `count` elements, `stride` apart in the source and
// `step` apart in the output.
struct Axis {
  uint64_t count;
  uint64_t stride;
  uint64_t step;
};
using Axes = absl::InlinedVector<Axis, 6>;

// Part of the output that is a (hyper)rectangle of the view.
struct Box {
  uint64_t begin = 0;  // its first element in the source
  uint64_t size = 1;   // elements
  Axes axes;
};

// The largest box that begins at element `first` of the view and holds at most
// `limit` elements, whole in all directions but the slowest.
Box BoxAt(uint64_t offset, absl::Span<const TensorView::Dim> dims,
          uint64_t first, uint64_t limit) {
  Box box;
  box.begin = offset;
  bool whole = true;  // all faster directions are whole
  for (size_t d = dims.size(); d-- > 0;) {
    const uint64_t at = first % dims[d].extent;
    first /= dims[d].extent;
    box.begin += at * dims[d].stride;
    if (!whole) continue;
    const uint64_t count =
        std::max<uint64_t>(1, std::min(dims[d].extent - at, limit / box.size));
    if (count > 1) box.axes.push_back({count, dims[d].stride, box.size});
    box.size *= count;
    whole = count == dims[d].extent;
  }
  return box;
}

// Calls visit(stride sum, step sum) for each combination of the axes' indices,
// the first axis running fastest. Stops at the first error.
template <typename Visit>
absl::Status ForEach(absl::Span<const Axis> axes, const Visit& visit) {
  absl::InlinedVector<uint64_t, 6> index(axes.size(), 0);
  uint64_t in = 0, out = 0;
  while (true) {
    absl::Status status = visit(in, out);
    if (!status.ok()) return status;
    size_t d = 0;
    for (; d < axes.size() && ++index[d] == axes[d].count; ++d) {
      in -= (axes[d].count - 1) * axes[d].stride;
      out -= (axes[d].count - 1) * axes[d].step;
      index[d] = 0;
    }
    if (d == axes.size()) return absl::OkStatus();
    in += axes[d].stride;
    out += axes[d].step;
  }
}

// Writes the elements of `window` that the axes choose to their places. The
// axis whose elements are neighbours in the output, if there is one, runs
// fastest: scattered reads cost less than scattered writes.
void Scatter(Axes axes, const float* window, float* out) {
  if (axes.empty()) {
    *out = *window;
    return;
  }
  std::sort(axes.begin(), axes.end(),
            [](const Axis& a, const Axis& b) { return a.step < b.step; });
  const Axis fast = axes[0];
  ForEach(absl::MakeConstSpan(axes).subspan(1), [&](uint64_t in, uint64_t to) {
    const float* from = window + in;
    if (fast.stride == 1 && fast.step == 1) {
      std::copy_n(from, fast.count, out + to);
    } else {
      for (uint64_t i = 0; i < fast.count; ++i) {
        out[to + i * fast.step] = from[i * fast.stride];
      }
    }
    return absl::OkStatus();
  }).IgnoreError();  // The visitor has none.
}

// Reads a box to its place; `window` holds kWindow elements.
absl::Status ReadBox(uint64_t begin, Axes axes, float* out, float* window,
                     ReadRun read) {
  std::sort(axes.begin(), axes.end(),
            [](const Axis& a, const Axis& b) { return a.stride < b.stride; });
  // The first axes are read at once.
  uint64_t span = 1;  // elements from the first to the last of these
  size_t together = 0;
  for (; together < axes.size(); ++together) {
    Axis& axis = axes[together];
    const bool is_dense = axis.stride <= span;
    if (!is_dense && (span >= kShortPiece || axis.stride > kGap)) break;
    const uint64_t fits =
        axis.stride == 0 ? axis.count : (kWindow - span) / axis.stride + 1;
    if (fits <= 1) break;
    if (fits < axis.count) {
      // In pieces, each a box.
      const Axis whole = axis;
      for (uint64_t done = 0; done < whole.count; done += fits) {
        axis.count = std::min(fits, whole.count - done);
        absl::Status status = ReadBox(begin + done * whole.stride, axes,
                                      out + done * whole.step, window, read);
        if (!status.ok()) return status;
      }
      return absl::OkStatus();
    }
    span += (axis.count - 1) * axis.stride;
  }
  Axes inner(axes.begin(), axes.begin() + together);
  Axes outer(axes.begin() + together, axes.end());
  // As many such reads as the window holds, along the axis whose elements are
  // nearest to each other in the output.
  Axis along = {1, 0, 0};
  if (!outer.empty()) {
    const auto nearest = std::min_element(
        outer.begin(), outer.end(),
        [](const Axis& a, const Axis& b) { return a.step < b.step; });
    along = *nearest;
    outer.erase(nearest);
  }
  const uint64_t batch = std::min(along.count, kWindow / span);
  return ForEach(outer, [&](uint64_t from, uint64_t to) {
    for (uint64_t done = 0; done < along.count; done += batch) {
      const uint64_t reads = std::min(batch, along.count - done);
      for (uint64_t i = 0; i < reads; ++i) {
        absl::Status status = read(begin + from + (done + i) * along.stride,
                                   absl::MakeSpan(window + i * span, span));
        if (!status.ok()) return status;
      }
      Axes sorted = inner;
      if (reads > 1) sorted.push_back({reads, span, along.step});
      Scatter(sorted, window, out + to + done * along.step);
    }
    return absl::OkStatus();
  });
}

}  // namespace

absl::Status Gather(uint64_t offset, absl::Span<const TensorView::Dim> dims,
                    uint64_t first, absl::Span<float> out, ReadRun read) {
  std::unique_ptr<float[]> window;
  while (!out.empty()) {
    Box box = BoxAt(offset, dims, first, out.size());
    const bool is_run = !dims.empty() && dims.back().stride == 1;
    const uint64_t run =
        is_run
            ? std::min<uint64_t>(
                  dims.back().extent - first % dims.back().extent, out.size())
            : 1;
    absl::Status status;
    if (run >= std::min(kLongRun, box.size)) {
      box.size = run;
      status = read(box.begin, out.first(run));
    } else {
      if (window == nullptr) window.reset(new float[kWindow]);
      status = ReadBox(box.begin, box.axes, out.data(), window.get(), read);
    }
    if (!status.ok()) return status;
    first += box.size;
    out.remove_prefix(box.size);
  }
  return absl::OkStatus();
}

}  // namespace converters
