#include "converters/model_plan.h"

#include <cstddef>
#include <cstdint>

namespace converters {

uint64_t RowMap::rows() const {
  uint64_t product = 1;
  for (const Digit& digit : digits) product *= digit.extent;
  return product;
}

uint64_t RowMap::SourceRow(uint64_t row) const {
  uint64_t source = first;
  for (size_t i = digits.size(); i-- > 0;) {
    source += row % digits[i].extent * digits[i].stride;
    row /= digits[i].extent;
  }
  return source;
}

uint64_t RowMap::RunLength(uint64_t row) const {
  // The trailing digits whose strides continue each other count through
  // consecutive rows; a digit of extent 1 never counts, whatever its stride.
  uint64_t run = 1;
  for (size_t i = digits.size(); i-- > 0;) {
    if (digits[i].extent == 1) continue;
    if (digits[i].stride != run) break;
    run *= digits[i].extent;
  }
  return run - row % run;
}

uint64_t TensorPlan::elements() const {
  uint64_t product = 1;
  for (uint64_t extent : shape) product *= extent;
  return product;
}

}  // namespace converters
