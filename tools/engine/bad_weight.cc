#include "tools/engine/bad_weight.h"

#include <cmath>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "converters/model_plan.h"

namespace make_gguf {
namespace {

constexpr converters::ElementOrigin kComputed = {
    .source = converters::TensorView::kZeros};

// "row 3, column 17", or "element 17" of a vector.
std::string Position(const converters::SourceTensor& tensor, uint64_t element) {
  if (tensor.shape.size() < 2) return absl::StrCat("element ", element);
  const uint64_t columns = tensor.shape.back();
  return absl::StrCat("row ", element / columns, ", column ",
                      element % columns);
}

std::string Where(const converters::TensorPlan& tensor,
                  const converters::TensorSource& source, uint64_t weight) {
  const converters::ElementOrigin origin =
      tensor.parts.empty() ? kComputed : converters::OriginOf(tensor, weight);
  if (origin.source == converters::TensorView::kZeros) {
    return absl::StrCat("computed tensor '", tensor.name, "', element ",
                        weight);
  }
  const converters::SourceTensor& from = source.tensors()[origin.source];
  return absl::StrCat(from.file, ": tensor '", from.name, "' (", tensor.name,
                      "), ", Position(from, origin.element));
}

}  // namespace

absl::Status DescribeBadWeight(const converters::TensorPlan& tensor,
                               const converters::TensorSource& source,
                               uint64_t weight, float bad) {
  const std::string where = Where(tensor, source, weight);
  if (std::isnan(bad)) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": the weight is NaN; the checkpoint is damaged"));
  }
  if (std::isinf(bad)) {
    return absl::InvalidArgumentError(absl::StrCat(
        where, ": the weight is infinite; the checkpoint is damaged"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(where, ": the weight ", bad,
                   " does not fit F16, whose largest value is 65504; use "
                   "--intermediate=f32 and no F16 output"));
}

}  // namespace make_gguf
