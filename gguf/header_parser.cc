#include "gguf/header_parser.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"

namespace gguf {
namespace {

// The fewest bytes that each of these can take in a file.
constexpr uint64_t kMinKeyValueBytes = 8 + 1 + 4 + 1;
constexpr uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

template <typename T>
constexpr uint64_t MinElementBytes() {
  if constexpr (std::is_same_v<T, bool>) return 1;
  if constexpr (std::is_same_v<T, std::string>) return 8;  // its length
  if constexpr (std::is_same_v<T, Array>) return 4 + 8;    // type and count
  return sizeof(T);
}

// Calls f(T()) with the C++ type of `type`.
template <typename F>
absl::Status WithType(ValueType type, F f) {
  switch (type) {
    case ValueType::kUint8:
      return f(uint8_t());
    case ValueType::kInt8:
      return f(int8_t());
    case ValueType::kUint16:
      return f(uint16_t());
    case ValueType::kInt16:
      return f(int16_t());
    case ValueType::kUint32:
      return f(uint32_t());
    case ValueType::kInt32:
      return f(int32_t());
    case ValueType::kFloat32:
      return f(float());
    case ValueType::kBool:
      return f(bool());
    case ValueType::kString:
      return f(std::string());
    case ValueType::kArray:
      return f(Array());
    case ValueType::kUint64:
      return f(uint64_t());
    case ValueType::kInt64:
      return f(int64_t());
    case ValueType::kFloat64:
      return f(double());
  }
  return absl::InternalError("not a value type");
}

// Reads a file from its start, through a buffer.
class Cursor {
 public:
  explicit Cursor(const base::InputFile& file)
      : file_(file), end_(std::min(file.size(), kMaxHeaderBytes)) {}

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return end_ - position_; }

  absl::Status Read(absl::Span<uint8_t> out) {
    if (out.size() > remaining()) return TooShort(out.size());
    if (out.size() > sizeof(buffer_)) {
      RETURN_IF_ERROR(file_.ReadAt(position_, out));
      position_ += out.size();
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Fill(out.size()));
    std::memcpy(out.data(), buffer_ + (position_ - buffer_start_), out.size());
    position_ += out.size();
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status Number(T& value) {
    static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
    static_assert(std::endian::native == std::endian::little);
    uint8_t bytes[sizeof(T)] = {};
    absl::Status status = Read(bytes);
    if (status.ok()) std::memcpy(&value, bytes, sizeof(T));
    return status;
  }

  // The error of needing `bytes` more than there are.
  absl::Status TooShort(uint64_t bytes) const {
    if (end_ < file_.size()) {
      return absl::DataLossError(absl::StrCat(bytes, " bytes at ", position_,
                                              " exceed the header's limit of ",
                                              end_, " bytes"));
    }
    return absl::DataLossError(absl::StrCat("the file ends at byte ", end_,
                                            ", expected at least ", bytes,
                                            " more bytes at ", position_));
  }

 private:
  // Makes the buffer hold the next `bytes` bytes.
  absl::Status Fill(size_t bytes) {
    const uint64_t held = buffer_start_ + buffered_;
    if (position_ >= buffer_start_ && position_ + bytes <= held) {
      return absl::OkStatus();
    }
    buffer_start_ = position_;
    buffered_ = std::min<uint64_t>(sizeof(buffer_), remaining());
    return file_.ReadAt(buffer_start_, absl::MakeSpan(buffer_, buffered_));
  }

  const base::InputFile& file_;
  const uint64_t end_;
  uint64_t position_ = 0;
  uint64_t buffer_start_ = 0;
  size_t buffered_ = 0;
  uint8_t buffer_[64 << 10];
};

// Keys and names: printable, so that messages and dumps can show them.
absl::Status CheckName(absl::string_view name, absl::string_view what) {
  if (name.empty()) {
    return absl::DataLossError(absl::StrCat("the ", what, " is empty"));
  }
  for (const char c : name) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return absl::DataLossError(absl::StrCat("the ", what, " '",
                                              absl::CHexEscape(name),
                                              "' has a control character"));
    }
  }
  return absl::OkStatus();
}

class Parser {
 public:
  explicit Parser(const base::InputFile& file) : file_(file), cursor_(file) {}

  absl::StatusOr<Header> Parse() {
    absl::Status status = Preamble();
    if (status.ok()) status = KeyValues();
    if (status.ok()) status = Tensors();
    if (!status.ok()) {
      return absl::Status(
          status.code(),
          absl::StrCat(file_.path(), ": ", context_,
                       context_.empty() ? "" : ": ", status.message()));
    }
    header_.size = cursor_.position();
    return std::move(header_);
  }

 private:
  absl::Status Preamble();
  absl::Status Version();
  absl::Status Count(absl::string_view what, uint64_t min_bytes,
                     uint64_t& count);
  absl::Status TakeMemory(uint64_t bytes);
  absl::Status KeyValues();
  absl::Status KeyValue(Metadata::Entry& entry);
  absl::Status Type(ValueType& type);
  absl::Status Tensors();
  absl::Status Tensor(TensorInfo& tensor, uint64_t& offset);

  absl::Status String(uint64_t limit, std::string& text);
  template <typename T>
  absl::Status Element(T& value, int depth);
  template <typename T>
  absl::Status Elements(uint64_t count, std::vector<T>& values, int depth);

  const base::InputFile& file_;
  Cursor cursor_;
  Header header_;
  std::string context_;  // "key 'x'": what is being read, for messages
  uint64_t key_count_ = 0;
  uint64_t tensor_count_ = 0;
  uint64_t memory_ = 0;  // that the header takes so far
};

absl::Status Parser::Preamble() {
  uint8_t magic[4] = {};
  if (cursor_.remaining() < sizeof(magic)) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a GGUF file: it has ", file_.size(), " bytes"));
  }
  RETURN_IF_ERROR(cursor_.Read(magic));
  const absl::string_view found(reinterpret_cast<const char*>(magic), 4);
  if (found != kMagic) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a GGUF file: it begins with '",
                     absl::CHexEscape(found), "', expected '", kMagic, "'"));
  }
  RETURN_IF_ERROR(Version());
  uint64_t tensors = 0;
  uint64_t keys = 0;
  RETURN_IF_ERROR(cursor_.Number(tensors));
  RETURN_IF_ERROR(cursor_.Number(keys));
  RETURN_IF_ERROR(Count("key", kMinKeyValueBytes, keys));
  RETURN_IF_ERROR(Count("tensor", kMinTensorBytes, tensors));
  key_count_ = keys;
  tensor_count_ = tensors;
  return absl::OkStatus();
}

absl::Status Parser::Version() {
  uint32_t& version = header_.version;
  RETURN_IF_ERROR(cursor_.Number(version));
  if (version == 2 || version == kVersion) return absl::OkStatus();
  if ((version & 0xffff) == 0 && version != 0) {
    return absl::UnimplementedError(
        absl::StrCat("a big-endian GGUF file (version ", version >> 24,
                     "); only little-endian files are read"));
  }
  return absl::UnimplementedError(
      absl::StrCat("GGUF version ", version, ", expected 2 or 3"));
}

absl::Status Parser::Count(absl::string_view what, uint64_t min_bytes,
                           uint64_t& count) {
  const uint64_t most = cursor_.remaining() / min_bytes;
  if (count <= most) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(what, " count is ", count, ", but the ", cursor_.remaining(),
                   " bytes that follow hold at most ", most));
}

// To be called before `bytes` are allocated.
absl::Status Parser::TakeMemory(uint64_t bytes) {
  if (bytes <= kMaxHeaderMemory - memory_) {
    memory_ += bytes;
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat("with this the header takes more than ",
                   kMaxHeaderMemory >> 20, " MiB of memory"));
}

absl::Status Parser::String(uint64_t limit, std::string& text) {
  uint64_t length = 0;
  RETURN_IF_ERROR(cursor_.Number(length));
  if (length > limit) {
    return absl::DataLossError(absl::StrCat(
        "a length of ", length, " bytes, expected at most ", limit));
  }
  if (length > cursor_.remaining()) return cursor_.TooShort(length);
  if (length > text.capacity()) {
    RETURN_IF_ERROR(TakeMemory(length));
  }
  text.resize(length);
  return cursor_.Read(
      absl::MakeSpan(reinterpret_cast<uint8_t*>(text.data()), text.size()));
}

absl::Status Parser::Type(ValueType& type) {
  uint32_t number = 0;
  RETURN_IF_ERROR(cursor_.Number(number));
  if (number > static_cast<uint32_t>(ValueType::kFloat64)) {
    return absl::DataLossError(
        absl::StrCat("value type ", number, ", expected 0 to 12"));
  }
  type = static_cast<ValueType>(number);
  return absl::OkStatus();
}

template <typename T>
absl::Status Parser::Element(T& value, int depth) {
  if constexpr (std::is_same_v<T, std::string>) {
    return String(kMaxHeaderBytes, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    uint8_t byte = 0;
    RETURN_IF_ERROR(cursor_.Number(byte));
    if (byte > 1) {
      return absl::DataLossError(
          absl::StrCat("a BOOL of ", byte, ", expected 0 or 1"));
    }
    value = byte == 1;
    return absl::OkStatus();
  } else if constexpr (std::is_same_v<T, Array>) {
    if (depth >= kMaxArrayDepth) {
      return absl::DataLossError(absl::StrCat("arrays nested deeper than ",
                                              kMaxArrayDepth, " levels"));
    }
    ValueType type = ValueType::kUint8;
    RETURN_IF_ERROR(Type(type));
    uint64_t count = 0;
    RETURN_IF_ERROR(cursor_.Number(count));
    return WithType(type, [&](auto element) {
      using E = decltype(element);
      return Elements(count, value.elements.template emplace<std::vector<E>>(),
                      depth + 1);
    });
  } else {
    return cursor_.Number(value);
  }
}

template <typename T>
absl::Status Parser::Elements(uint64_t count, std::vector<T>& values,
                              int depth) {
  RETURN_IF_ERROR(Count("array element", MinElementBytes<T>(), count));
  RETURN_IF_ERROR(TakeMemory(count * sizeof(T)));
  values.resize(count);
  if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
    return cursor_.Read(absl::MakeSpan(
        reinterpret_cast<uint8_t*>(values.data()), count * sizeof(T)));
  } else {
    for (size_t i = 0; i < count; ++i) {
      T value{};
      RETURN_IF_ERROR(Element(value, depth));
      values[i] = std::move(value);
    }
    return absl::OkStatus();
  }
}

absl::Status Parser::KeyValue(Metadata::Entry& entry) {
  RETURN_IF_ERROR(String(kMaxKeyBytes, entry.key));
  RETURN_IF_ERROR(CheckName(entry.key, "key"));
  context_ = absl::StrCat("key '", entry.key, "'");
  ValueType type = ValueType::kUint8;
  RETURN_IF_ERROR(Type(type));
  return WithType(type, [&](auto element) {
    return Element(entry.value.emplace<decltype(element)>(), /*depth=*/0);
  });
}

absl::Status Parser::KeyValues() {
  std::vector<Metadata::Entry> entries;
  for (uint64_t i = 0; i < key_count_; ++i) {
    context_ = absl::StrCat("key number ", i);
    RETURN_IF_ERROR(TakeMemory(2 * sizeof(Metadata::Entry)));
    RETURN_IF_ERROR(KeyValue(entries.emplace_back()));
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (const Metadata::Entry& entry : entries) {
    if (!seen.insert(entry.key).second) {
      context_ = absl::StrCat("key '", entry.key, "'");
      return absl::DataLossError("the key is there twice");
    }
  }
  context_.clear();
  header_.metadata = Metadata::FromEntries(std::move(entries));
  return absl::OkStatus();
}

absl::Status Parser::Tensor(TensorInfo& tensor, uint64_t& offset) {
  RETURN_IF_ERROR(String(kMaxKeyBytes, tensor.name));
  RETURN_IF_ERROR(CheckName(tensor.name, "name"));
  context_ = absl::StrCat("tensor '", tensor.name, "'");
  uint32_t dimensions = 0;
  RETURN_IF_ERROR(cursor_.Number(dimensions));
  if (dimensions < 1 || dimensions > kMaxDimensions) {
    return absl::DataLossError(absl::StrCat(
        dimensions, " dimensions, expected 1 to ", kMaxDimensions));
  }
  tensor.shape.resize(dimensions);
  for (uint64_t& dimension : tensor.shape) {
    RETURN_IF_ERROR(cursor_.Number(dimension));
  }
  uint32_t type = 0;
  RETURN_IF_ERROR(cursor_.Number(type));
  const TensorTypeTraits* traits = FindTensorType(type);
  if (traits == nullptr) {
    return absl::DataLossError(
        absl::StrCat("tensor type ", type, " is not a known type"));
  }
  tensor.type = traits->type;
  return cursor_.Number(offset);
}

absl::Status Parser::Tensors() {
  absl::flat_hash_set<std::string> seen;
  for (uint64_t i = 0; i < tensor_count_; ++i) {
    context_ = absl::StrCat("tensor number ", i);
    // It stands in an index as well, and its name is in a set.
    RETURN_IF_ERROR(TakeMemory(4 * sizeof(TensorInfo)));
    TensorInfo tensor;
    uint64_t offset = 0;
    RETURN_IF_ERROR(Tensor(tensor, offset));
    if (!seen.insert(tensor.name).second) {
      return absl::DataLossError("the tensor is there twice");
    }
    // The message of TensorBytes names the tensor.
    context_.clear();
    const absl::StatusOr<uint64_t> bytes = TensorBytes(tensor);
    if (!bytes.ok()) return absl::DataLossError(bytes.status().message());
    header_.tensors.push_back(std::move(tensor));
    header_.offsets.push_back(offset);
  }
  context_.clear();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Header> ParseHeader(const base::InputFile& file) {
  return Parser(file).Parse();
}

}  // namespace gguf
