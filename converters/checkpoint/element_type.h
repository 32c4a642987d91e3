// File: converters/checkpoint/element_type.h
//
// The element types that checkpoints store weights in: those that both
// safetensors and PyTorch have and the reference converter takes. Names are
// safetensors' names, whatever the file's format.

#ifndef CONVERTERS_CHECKPOINT_ELEMENT_TYPE_H_
#define CONVERTERS_CHECKPOINT_ELEMENT_TYPE_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"

namespace checkpoint {

enum class ElementType {
  kBool,  // one byte, 0 or 1
  kU8,
  kI8,
  kI16,
  kI32,
  kI64,
  kF8E4M3,  // "fn": no infinities, 0x7f and 0xff are NaN, largest value 448
  kF8E5M2,  // the upper half of an F16
  kF8E8M0,  // an F32's exponent: 2^(code - 127), 0xff is NaN
  kF16,
  kBF16,
  kF32,
  kF64,
};

// Bytes per element.
size_t ElementSize(ElementType type);

// "BF16"; of static storage duration.
absl::string_view ElementTypeName(ElementType type);

// The type that a safetensors header calls `name`, or nullopt for any other.
std::optional<ElementType> ElementTypeFromName(absl::string_view name);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_ELEMENT_TYPE_H_
