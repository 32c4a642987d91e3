#include "converters/tensor_source.h"

#include <cstdint>

namespace converters {

uint64_t SourceTensor::elements() const {
  uint64_t product = 1;
  for (uint64_t extent : shape) product *= extent;
  return product;
}

}  // namespace converters
