#include "converters/checkpoint/safetensors.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/safetensors_header.h"
#include "converters/checkpoint/stored_tensor.h"

namespace checkpoint {
namespace {

constexpr uint64_t kLengthBytes = 8;

// More than any weight has, and as many as are read from PyTorch's files.
constexpr size_t kMaxRank = 8;

absl::Status FileError(const File& file, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(file.name(), ": ", what));
}

// The header's text. Its length is judged before anything is allocated for it.
absl::StatusOr<std::string> ReadHeaderText(const File& file) {
  if (file.size() < kLengthBytes) {
    return FileError(file, absl::StrCat("a safetensors file has at least 8 "
                                        "bytes, this one has ",
                                        file.size()));
  }
  char prefix[kLengthBytes];
  RETURN_IF_ERROR(file.ReadAt(0, absl::MakeSpan(prefix)));
  uint64_t length;
  std::memcpy(&length, prefix, sizeof(length));
  if (absl::string_view(prefix, sizeof(prefix)) == "version ") {
    return FileError(file,
                     "this is a Git LFS pointer, not the weights; get them "
                     "with `git lfs pull`");
  }
  if (length > kMaxSafetensorsHeader) {
    return FileError(
        file,
        absl::StrCat("claims a header of ", length, " bytes, more than the ",
                     kMaxSafetensorsHeader, " that safetensors allows"));
  }
  if (length > file.size() - kLengthBytes) {
    return FileError(file, absl::StrCat("claims a header of ", length,
                                        " bytes but ends after ", file.size(),
                                        "; it is truncated"));
  }
  absl::StatusOr<std::string> text = ReadString(file, kLengthBytes, length);
  if (text.ok() && !absl::StartsWith(*text, "{")) {
    return FileError(file, "its header does not begin with '{'");
  }
  return text;
}

// A type that safetensors knows but no weight that can be converted has.
struct ForeignType {
  absl::string_view name;
  uint64_t bits;  // of an element
};

const ForeignType* FindForeignType(absl::string_view name) {
  static constexpr ForeignType kForeign[] = {
      {"F4", 4},          {"F6_E2M3", 6},     {"F6_E3M2", 6},
      {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"U16", 16},
      {"U32", 32},        {"U64", 64},        {"C64", 64},
  };
  for (const ForeignType& type : kForeign) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

// Bytes of the entry's elements, multiplied in the library's order so that the
// same products overflow; nullopt if one does or bits are left over.
std::optional<uint64_t> EntryBytes(const SafetensorsEntry& entry,
                                   uint64_t bits) {
  uint64_t product = 1;
  for (uint64_t extent : entry.shape) {
    if (__builtin_mul_overflow(product, extent, &product)) return std::nullopt;
  }
  if (__builtin_mul_overflow(product, bits, &product)) return std::nullopt;
  if (product % 8 != 0) return std::nullopt;
  return product / 8;
}

std::string DescribeEntry(absl::string_view name,
                          const SafetensorsEntry& entry) {
  return absl::StrCat("tensor ", base::Printable(name), " (",
                      base::Printable(entry.dtype), ", shape [",
                      absl::StrJoin(entry.shape, ", "), "], data_offsets [",
                      entry.begin, ", ", entry.end, "])");
}

using NamedEntry = std::pair<const std::string, SafetensorsEntry>;

// That the entries cover the file's data, each byte once, in sizes that fit
// their shapes.
absl::Status CheckExtents(const File& file, const SafetensorsHeader& header,
                          uint64_t data_size) {
  std::vector<const NamedEntry*> entries;
  for (const NamedEntry& entry : header.tensors) entries.push_back(&entry);
  std::stable_sort(entries.begin(), entries.end(),
                   [](const NamedEntry* a, const NamedEntry* b) {
                     return std::pair(a->second.begin, a->second.end) <
                            std::pair(b->second.begin, b->second.end);
                   });
  uint64_t position = 0;
  for (const NamedEntry* named : entries) {
    const auto& [name, entry] = *named;
    if (entry.shape.size() > kMaxRank) {
      return FileError(
          file, absl::StrCat("tensor ", base::Printable(name), " has ",
                             entry.shape.size(),
                             " dimensions, expected at most ", kMaxRank));
    }
    if (entry.begin != position || entry.end < entry.begin) {
      return FileError(
          file,
          absl::StrCat(DescribeEntry(name, entry),
                       entry.begin < position   ? " overlaps another"
                       : entry.begin > position ? " follows a hole"
                                                : " ends before it begins",
                       "; it should begin at ", position));
    }
    position = entry.end;
    const std::optional<ElementType> type = ElementTypeFromName(entry.dtype);
    const ForeignType* foreign = FindForeignType(entry.dtype);
    if (!type.has_value() && foreign == nullptr) {
      return FileError(file, absl::StrCat(DescribeEntry(name, entry),
                                          " is of an unknown type"));
    }
    const std::optional<uint64_t> bytes = EntryBytes(
        entry, type.has_value() ? 8 * ElementSize(*type) : foreign->bits);
    if (bytes != entry.end - entry.begin) {
      return FileError(
          file, absl::StrCat(DescribeEntry(name, entry), " should have ",
                             bytes.has_value()
                                 ? absl::StrCat(*bytes, " bytes")
                                 : "a size that is whole bytes in 64 bits",
                             ", has ", entry.end - entry.begin));
    }
  }
  if (position == data_size) return absl::OkStatus();
  return FileError(
      file,
      absl::StrCat("its header describes ", position, " bytes of data but ",
                   data_size, " follow it",
                   data_size < position ? "; the file is truncated" : ""));
}

std::string WhyForeign(const File& file, const SafetensorsHeader& header,
                       absl::string_view name, const SafetensorsEntry& entry) {
  const auto format = header.metadata.find("format");
  const bool mlx = format != header.metadata.end() && format->second == "mlx";
  return absl::StrCat(
      file.name(), ": ", DescribeEntry(name, entry), " is of type ",
      entry.dtype, ", which is no weight's: ",
      mlx ? "this checkpoint is quantized by MLX; convert the one it was made "
            "from"
          : "packed and quantized checkpoints of this kind cannot be read; "
            "convert the one it was made from");
}

}  // namespace

absl::StatusOr<std::vector<StoredTensor>> ReadSafetensors(
    std::shared_ptr<const File> data, const std::string& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadHeaderText(*data));
  absl::StatusOr<SafetensorsHeader> header = ParseSafetensorsHeader(text);
  if (!header.ok()) return FileError(*data, header.status().message());
  const uint64_t data_begin = kLengthBytes + text.size();
  RETURN_IF_ERROR(CheckExtents(*data, *header, data->size() - data_begin));

  std::vector<StoredTensor> tensors;
  for (const auto& [name, entry] : header->tensors) {
    StoredTensor& tensor = tensors.emplace_back();
    tensor.name = name;
    tensor.file = file;
    tensor.shape = entry.shape;
    tensor.data = data;
    tensor.offset = data_begin + entry.begin;
    if (const auto type = ElementTypeFromName(entry.dtype)) {
      tensor.type = *type;
      RETURN_IF_ERROR(Normalize(tensor));
    } else {
      tensor.unreadable = WhyForeign(*data, *header, name, entry);
      tensor.foreign_type = FindForeignType(entry.dtype)->name;
      tensor.foreign_bytes = entry.end - entry.begin;
    }
  }
  return tensors;
}

}  // namespace checkpoint
