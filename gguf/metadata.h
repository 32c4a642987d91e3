// File: gguf/metadata.h
//
// GGUF metadata: an ordered list of typed key-values. Order is kept because
// it is part of a file's bytes. Thread-compatible; values are owned.

#ifndef GGUF_METADATA_H_
#define GGUF_METADATA_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gguf {

// The value types, numbered as in the file. The alternatives of `Value` stand
// in this order, so that `ValueType(value.index())` is a value's type.
enum class ValueType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

// In the spelling of GGUF dumps: UINT8, FLOAT32, STRING, ARRAY …
absl::string_view ValueTypeName(ValueType type);

// A homogeneous array. Its alternatives are numbered like ValueType; an array
// of arrays holds `std::vector<Array>`.
struct Array {
  using Elements = std::variant<
      std::vector<uint8_t>, std::vector<int8_t>, std::vector<uint16_t>,
      std::vector<int16_t>, std::vector<uint32_t>, std::vector<int32_t>,
      std::vector<float>, std::vector<bool>, std::vector<std::string>,
      std::vector<Array>, std::vector<uint64_t>, std::vector<int64_t>,
      std::vector<double>>;
  Elements elements;

  ValueType element_type() const { return ValueType(elements.index()); }
  size_t size() const;
  bool operator==(const Array&) const = default;
};

using Value =
    std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float,
                 bool, std::string, Array, uint64_t, int64_t, double>;

inline ValueType TypeOf(const Value& value) { return ValueType(value.index()); }

// A FileType's number (UINT32), by which a file says what it is.
inline constexpr absl::string_view kFileTypeKey = "general.file_type";

class Metadata {
 public:
  struct Entry {
    std::string key;
    Value value;
    bool operator==(const Entry&) const = default;
  };

  // These entries in their order. Their keys must differ.
  static Metadata FromEntries(std::vector<Entry> entries);

  // Gives `key` this value: in its old place if the key is there, else at the
  // end.
  void Set(absl::string_view key, Value value);
  // The same for an array of T; T is one of Array's element types.
  template <typename T>
  void SetArray(absl::string_view key, std::vector<T> elements) {
    Set(key, Array{std::move(elements)});
  }
  // Removes `key`; false if it was not there.
  bool Erase(absl::string_view key);
  // Gives the entry of `key` another key, in its place; false if there is none.
  // None may have `new_key`.
  bool Rename(absl::string_view key, absl::string_view new_key);
  // Sets every entry of `other`, in its order.
  void Append(const Metadata& other);

  // The value of `key`, valid until the next change; null if absent.
  const Value* Find(absl::string_view key) const;
  // The value of `key` if it is there and has type T, else null.
  template <typename T>
  const T* FindAs(absl::string_view key) const {
    const Value* value = Find(key);
    return value == nullptr ? nullptr : std::get_if<T>(value);
  }

  absl::Span<const Entry> entries() const { return entries_; }
  bool operator==(const Metadata&) const = default;

 private:
  std::vector<Entry> entries_;
};

}  // namespace gguf

#endif  // GGUF_METADATA_H_
