#include "converters/model_plan.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/algorithm/container.h"
#include "absl/log/check.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

namespace converters {
namespace {

// Calls visit(part, first, count) for each part that holds some of elements
// [first, first + count) of the tensor; stops at the first error.
template <typename Visit>
absl::Status ForEachPart(const TensorPlan& tensor, uint64_t first,
                         uint64_t count, const Visit& visit) {
  for (const TensorPart& part : tensor.parts) {
    if (count == 0) break;
    if (first >= part.view.elements) {
      first -= part.view.elements;
      continue;
    }
    const uint64_t here = std::min(part.view.elements - first, count);
    absl::Status status = visit(part, first, here);
    if (!status.ok()) return status;
    count -= here;
    first = 0;
  }
  CHECK_EQ(count, 0) << tensor.name << ": read past its end";
  return absl::OkStatus();
}

// What a TensorReader keeps: few reads for a matrix of some thousand columns.
constexpr uint64_t kKeptElements = 1 << 20;

bool IsScattered(const TensorPlan& tensor) {
  return absl::c_any_of(tensor.parts, [](const TensorPart& part) {
    return !part.view.dims.empty() && part.view.dims.back().stride > 1;
  });
}

}  // namespace

uint64_t TensorPlan::elements() const {
  uint64_t product = 1;
  for (uint64_t extent : shape) product *= extent;
  return product;
}

absl::Status ReadTensor(const TensorSource& source, const TensorPlan& tensor,
                        uint64_t first, absl::Span<float> out) {
  if (!tensor.values.empty()) {
    CHECK_LE(first + out.size(), tensor.values.size());
    std::copy_n(tensor.values.begin() + first, out.size(), out.begin());
    return absl::OkStatus();
  }
  return ForEachPart(
      tensor, first, out.size(),
      [&](const TensorPart& part, uint64_t begin, uint64_t count) {
        const absl::Span<float> here = out.first(count);
        out.remove_prefix(count);
        absl::Status status = source.ReadView(part.view, begin, here);
        for (const ValueMap& map : part.maps) Apply(map, here);
        return status;
      });
}

uint64_t TensorReader::Memory(const ModelPlan& plan) {
  return absl::c_any_of(plan.tensors, IsScattered)
             ? kKeptElements * sizeof(float)
             : 0;
}

absl::Status TensorReader::Read(const TensorPlan& tensor, uint64_t first,
                                uint64_t end, absl::Span<float> out) {
  if (!IsScattered(tensor)) return ReadTensor(source_, tensor, first, out);
  const bool is_kept = tensor_ == &tensor && first >= first_ &&
                       first + out.size() <= first_ + kept_.size();
  if (!is_kept) {
    tensor_ = nullptr;
    const uint64_t most = std::max<uint64_t>(kKeptElements, out.size());
    kept_.resize(std::min(std::max(end, first + out.size()) - first, most));
    absl::Status status =
        ReadTensor(source_, tensor, first, absl::MakeSpan(kept_));
    if (!status.ok()) return status;
    tensor_ = &tensor;
    first_ = first;
  }
  std::copy_n(kept_.begin() + (first - first_), out.size(), out.begin());
  return absl::OkStatus();
}

void PrefetchTensor(const TensorSource& source, const TensorPlan& tensor,
                    uint64_t first, uint64_t count) {
  if (!tensor.values.empty()) return;
  ForEachPart(tensor, first, count,
              [&](const TensorPart& part, uint64_t begin, uint64_t here) {
                source.PrefetchView(part.view, begin, here);
                return absl::OkStatus();
              })
      .IgnoreError();  // The visitor has none.
}

ElementOrigin OriginOf(const TensorPlan& tensor, uint64_t element) {
  ElementOrigin origin;
  ForEachPart(tensor, element, 1,
              [&](const TensorPart& part, uint64_t at, uint64_t) {
                origin = {part.view.source, part.view.Origin(at)};
                return absl::OkStatus();
              })
      .IgnoreError();  // The visitor has none.
  return origin;
}

absl::Status CheckReadable(absl::Span<const TensorPlan> tensors,
                           const TensorSource& source) {
  for (const TensorPlan& tensor : tensors) {
    for (const TensorPart& part : tensor.parts) {
      if (part.view.source == TensorView::kZeros) continue;
      const std::string& reason = source.tensors()[part.view.source].unreadable;
      if (!reason.empty()) return absl::UnimplementedError(reason);
    }
  }
  return absl::OkStatus();
}

}  // namespace converters
