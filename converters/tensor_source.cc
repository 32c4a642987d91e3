#include "converters/tensor_source.h"

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace converters {

uint64_t SourceTensor::elements() const {
  uint64_t product = 1;
  for (uint64_t extent : shape) product *= extent;
  return product;
}

void TensorSource::Prefetch(size_t, uint64_t, uint64_t) const {}

absl::Status TensorSource::ReadStored(size_t tensor, uint64_t,
                                      absl::Span<uint8_t>) const {
  const SourceTensor& info = tensors()[tensor];
  return absl::UnimplementedError(
      absl::StrCat(info.file, ": tensor '", info.name,
                   "': its stored bytes can't be read as they are"));
}

}  // namespace converters
