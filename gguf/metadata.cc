#include "gguf/metadata.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"

namespace gguf {

absl::string_view ValueTypeName(ValueType type) {
  switch (type) {
    case ValueType::kUint8:
      return "UINT8";
    case ValueType::kInt8:
      return "INT8";
    case ValueType::kUint16:
      return "UINT16";
    case ValueType::kInt16:
      return "INT16";
    case ValueType::kUint32:
      return "UINT32";
    case ValueType::kInt32:
      return "INT32";
    case ValueType::kFloat32:
      return "FLOAT32";
    case ValueType::kBool:
      return "BOOL";
    case ValueType::kString:
      return "STRING";
    case ValueType::kArray:
      return "ARRAY";
    case ValueType::kUint64:
      return "UINT64";
    case ValueType::kInt64:
      return "INT64";
    case ValueType::kFloat64:
      return "FLOAT64";
  }
  return "UNKNOWN";
}

size_t Array::size() const {
  return std::visit([](const auto& values) { return values.size(); }, elements);
}

Metadata Metadata::FromEntries(std::vector<Entry> entries) {
  Metadata metadata;
  metadata.entries_ = std::move(entries);
  return metadata;
}

void Metadata::Set(absl::string_view key, Value value) {
  for (Entry& entry : entries_) {
    if (entry.key == key) {
      entry.value = std::move(value);
      return;
    }
  }
  entries_.push_back(Entry{std::string(key), std::move(value)});
}

bool Metadata::Erase(absl::string_view key) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(),
                   [key](const Entry& entry) { return entry.key == key; });
  if (found == entries_.end()) return false;
  entries_.erase(found);
  return true;
}

bool Metadata::Rename(absl::string_view key, absl::string_view new_key) {
  for (Entry& entry : entries_) {
    if (entry.key != key) continue;
    entry.key = std::string(new_key);
    return true;
  }
  return false;
}

void Metadata::Append(const Metadata& other) {
  if (&other == this) return;
  for (const Entry& entry : other.entries_) Set(entry.key, entry.value);
}

const Value* Metadata::Find(absl::string_view key) const {
  for (const Entry& entry : entries_) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

}  // namespace gguf
