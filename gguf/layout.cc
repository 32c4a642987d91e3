#include "gguf/layout.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"

namespace gguf {
namespace {

// File sizes and offsets are signed in every file API.
constexpr uint64_t kMaxSize = std::numeric_limits<int64_t>::max();

// Appends the format's primitives to a buffer.
class Encoder {
 public:
  template <typename T>
  void Number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    static_assert(std::endian::native == std::endian::little);
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }

  void Raw(absl::string_view bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

  void String(absl::string_view text) {
    Number(static_cast<uint64_t>(text.size()));
    Raw(text);
  }

  void Type(ValueType type) { Number(static_cast<uint32_t>(type)); }

  template <typename T>
  void Element(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      Number(static_cast<uint8_t>(value));
    } else if constexpr (std::is_same_v<T, std::string>) {
      String(value);
    } else if constexpr (std::is_same_v<T, Array>) {
      Type(value.element_type());
      Number(static_cast<uint64_t>(value.size()));
      std::visit([this](const auto& values) { this->Elements(values); },
                 value.elements);
    } else {
      Number(value);
    }
  }

  void PadTo(size_t size) { bytes_.resize(size); }
  size_t size() const { return bytes_.size(); }
  std::vector<uint8_t> Take() && { return std::move(bytes_); }

 private:
  template <typename T>
  void Elements(const std::vector<T>& values) {
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
      const auto* first = reinterpret_cast<const uint8_t*>(values.data());
      bytes_.insert(bytes_.end(), first, first + values.size() * sizeof(T));
    } else {
      for (const T& value : values) Element(value);
    }
  }

  std::vector<uint8_t> bytes_;
};

absl::Status TensorError(const TensorInfo& tensor, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("tensor '", tensor.name, "' with shape ",
                   ShapeString(tensor.shape), ": ", what));
}

// How many arrays stand inside each other, 1 for an array of plain values.
int ArrayDepth(const Array& array) {
  const auto* inner = std::get_if<std::vector<Array>>(&array.elements);
  if (inner == nullptr) return 1;
  int deepest = 0;
  for (const Array& element : *inner) {
    deepest = std::max(deepest, ArrayDepth(element));
  }
  return 1 + deepest;
}

absl::Status CheckMetadata(const Metadata& metadata) {
  absl::flat_hash_set<absl::string_view> seen;
  for (const auto& [key, value] : metadata.entries()) {
    if (key.empty()) {
      return absl::InvalidArgumentError("metadata has an empty key");
    }
    if (!seen.insert(key).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("metadata has key '", key, "' twice"));
    }
    const auto* array = std::get_if<Array>(&value);
    if (array != nullptr && ArrayDepth(*array) > kMaxArrayDepth) {
      return absl::InvalidArgumentError(
          absl::StrCat("metadata key '", key, "' nests arrays deeper than ",
                       kMaxArrayDepth, " levels"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckNames(absl::Span<const TensorInfo> tensors) {
  absl::flat_hash_set<absl::string_view> seen;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.name.empty()) return TensorError(tensor, "the name is empty");
    if (tensor.name.size() > kMaxTensorNameBytes) {
      return TensorError(
          {tensor.name.substr(0, kMaxTensorNameBytes) + "…", tensor.type,
           tensor.shape},
          absl::StrCat("the name has ", tensor.name.size(),
                       " bytes; readers take at most ", kMaxTensorNameBytes));
    }
    if (!seen.insert(tensor.name).second) {
      return TensorError(tensor, "the name is used twice");
    }
  }
  return absl::OkStatus();
}

// One after the other, each padded.
absl::StatusOr<std::vector<TensorPlacement>> PlaceTensors(
    absl::Span<const TensorInfo> tensors, uint64_t alignment,
    uint64_t* data_size) {
  std::vector<TensorPlacement> placements;
  placements.reserve(tensors.size());
  *data_size = 0;
  for (const TensorInfo& tensor : tensors) {
    ASSIGN_OR_RETURN(const uint64_t bytes, TensorBytes(tensor));
    placements.push_back(TensorPlacement{*data_size, bytes});
    const auto end = PaddedSize(*data_size + bytes, alignment);
    if (!end.has_value()) {
      return TensorError(tensor, "the file would exceed 2^63 - 1 bytes");
    }
    *data_size = *end;
  }
  return placements;
}

std::vector<uint8_t> EncodeHeader(const Metadata& metadata,
                                  absl::Span<const TensorInfo> tensors,
                                  const Layout& layout) {
  Encoder encoder;
  encoder.Raw(kMagic);
  encoder.Number(kVersion);
  encoder.Number(static_cast<uint64_t>(tensors.size()));
  encoder.Number(static_cast<uint64_t>(metadata.entries().size()));
  for (const auto& [key, value] : metadata.entries()) {
    encoder.String(key);
    encoder.Type(TypeOf(value));
    std::visit([&encoder](const auto& v) { encoder.Element(v); }, value);
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    encoder.String(tensors[i].name);
    encoder.Number(static_cast<uint32_t>(tensors[i].shape.size()));
    for (uint64_t dimension : tensors[i].shape) encoder.Number(dimension);
    encoder.Number(static_cast<uint32_t>(tensors[i].type));
    encoder.Number(layout.tensors[i].offset);
  }
  // The header is in memory: padding can't overflow.
  encoder.PadTo(*PaddedSize(encoder.size(), layout.alignment));
  return std::move(encoder).Take();
}

}  // namespace

std::string ShapeString(absl::Span<const uint64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

std::optional<uint64_t> PaddedSize(uint64_t size, uint64_t alignment) {
  const uint64_t mask = alignment - 1;
  if (size > kMaxSize - mask) return std::nullopt;
  return (size + mask) & ~mask;
}

absl::StatusOr<uint64_t> AlignmentOf(const Metadata& metadata) {
  const Value* value = metadata.Find(kAlignmentKey);
  if (value == nullptr) return kDefaultAlignment;
  const auto* number = std::get_if<uint32_t>(value);
  if (number == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("metadata key '", kAlignmentKey, "' has type ",
                     ValueTypeName(TypeOf(*value)), ", expected UINT32"));
  }
  if (!std::has_single_bit(*number) || *number > kMaxAlignment) {
    return absl::InvalidArgumentError(
        absl::StrCat("metadata key '", kAlignmentKey, "' is ", *number,
                     ", expected a power of two up to ", kMaxAlignment));
  }
  return *number;
}

absl::StatusOr<uint64_t> ElementCount(const TensorInfo& tensor) {
  if (tensor.shape.empty() || tensor.shape.size() > kMaxDimensions) {
    return TensorError(
        tensor, absl::StrCat(tensor.shape.size(), " dimensions, expected 1 to ",
                             kMaxDimensions));
  }
  uint64_t count = 1;
  for (uint64_t dimension : tensor.shape) {
    if (dimension == 0) return TensorError(tensor, "a dimension is 0");
    if (dimension > kMaxSize / count) {
      return TensorError(tensor, "more than 2^63 - 1 elements");
    }
    count *= dimension;
  }
  return count;
}

absl::StatusOr<uint64_t> TensorBytes(const TensorInfo& tensor) {
  ASSIGN_OR_RETURN(const uint64_t elements, ElementCount(tensor));
  const TensorTypeTraits& traits = Traits(tensor.type);
  if (tensor.shape[0] % traits.block_size != 0) {
    return TensorError(
        tensor, absl::StrCat("rows of ", tensor.shape[0], " elements are no ",
                             "multiple of the ", traits.block_size,
                             " in a block of ", traits.name));
  }
  // Rows are whole blocks, so the elements are too.
  const auto bytes = RowBytes(tensor.type, elements);
  if (!bytes.has_value() || *bytes > kMaxSize) {
    return TensorError(tensor, "more than 2^63 - 1 bytes");
  }
  return *bytes;
}

absl::StatusOr<Layout> PlanLayout(const Metadata& metadata,
                                  absl::Span<const TensorInfo> tensors) {
  RETURN_IF_ERROR(CheckMetadata(metadata));
  RETURN_IF_ERROR(CheckNames(tensors));

  Layout layout;
  ASSIGN_OR_RETURN(layout.alignment, AlignmentOf(metadata));
  uint64_t data_size = 0;
  ASSIGN_OR_RETURN(layout.tensors,
                   PlaceTensors(tensors, layout.alignment, &data_size));
  layout.header = EncodeHeader(metadata, tensors, layout);
  layout.header_size = layout.header.size();
  if (data_size > kMaxSize - layout.header_size) {
    return absl::InvalidArgumentError("the file would exceed 2^63 - 1 bytes");
  }
  layout.file_size = layout.header_size + data_size;
  return layout;
}

}  // namespace gguf
