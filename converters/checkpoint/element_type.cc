#include "converters/checkpoint/element_type.h"

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"

namespace checkpoint {
namespace {

struct Traits {
  ElementType type;
  absl::string_view name;
  size_t size;
};

// Indexed by ElementType.
constexpr Traits kTraits[] = {
    {ElementType::kBool, "BOOL", 1},      {ElementType::kU8, "U8", 1},
    {ElementType::kI8, "I8", 1},          {ElementType::kI16, "I16", 2},
    {ElementType::kI32, "I32", 4},        {ElementType::kI64, "I64", 8},
    {ElementType::kF8E4M3, "F8_E4M3", 1}, {ElementType::kF8E5M2, "F8_E5M2", 1},
    {ElementType::kF8E8M0, "F8_E8M0", 1}, {ElementType::kF16, "F16", 2},
    {ElementType::kBF16, "BF16", 2},      {ElementType::kF32, "F32", 4},
    {ElementType::kF64, "F64", 8},
};

const Traits& TraitsOf(ElementType type) {
  return kTraits[static_cast<size_t>(type)];
}

}  // namespace

size_t ElementSize(ElementType type) { return TraitsOf(type).size; }

absl::string_view ElementTypeName(ElementType type) {
  return TraitsOf(type).name;
}

std::optional<ElementType> ElementTypeFromName(absl::string_view name) {
  for (const Traits& traits : kTraits) {
    if (traits.name == name) return traits.type;
  }
  return std::nullopt;
}

}  // namespace checkpoint
