// File: converters/checkpoint/pickle_writer.h
//
// For tests: an assembler of pickles, well-formed and hostile ones.

#ifndef CONVERTERS_CHECKPOINT_PICKLE_WRITER_H_
#define CONVERTERS_CHECKPOINT_PICKLE_WRITER_H_

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace checkpoint {

// The little-endian bytes of a number.
template <typename T>
std::string Bytes(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

// Each call appends an opcode, as pickletools names it, and returns the writer.
class PickleWriter {
 public:
  explicit PickleWriter(int protocol = 2) {
    Raw("\x80").Raw(std::string(1, static_cast<char>(protocol)));
  }

  PickleWriter& Raw(absl::string_view bytes) {
    absl::StrAppend(&bytes_, bytes);
    return *this;
  }
  PickleWriter& Global(absl::string_view module, absl::string_view name) {
    return Raw(absl::StrCat("c", module, "\n", name, "\n"));
  }
  PickleWriter& String(absl::string_view text) {
    return Raw("X").Raw(Bytes(static_cast<uint32_t>(text.size()))).Raw(text);
  }
  PickleWriter& Int(int64_t value) {
    if (value == static_cast<int32_t>(value)) {
      return Raw("J").Raw(Bytes(static_cast<int32_t>(value)));
    }
    return Raw("\x8a\x08").Raw(Bytes(value));
  }
  PickleWriter& Ints(std::initializer_list<int64_t> values) {
    Mark();
    for (int64_t value : values) Int(value);
    return Tuple();
  }
  PickleWriter& None() { return Raw("N"); }
  PickleWriter& False() { return Raw("\x89"); }
  PickleWriter& Mark() { return Raw("("); }
  PickleWriter& Tuple() { return Raw("t"); }
  PickleWriter& EmptyTuple() { return Raw(")"); }
  PickleWriter& EmptyDict() { return Raw("}"); }
  PickleWriter& EmptyList() { return Raw("]"); }
  PickleWriter& SetItems() { return Raw("u"); }
  PickleWriter& Appends() { return Raw("e"); }
  PickleWriter& Reduce() { return Raw("R"); }
  PickleWriter& Build() { return Raw("b"); }
  PickleWriter& PersistentId() { return Raw("Q"); }
  PickleWriter& Put(uint32_t index) { return Raw("r").Raw(Bytes(index)); }
  PickleWriter& Get(uint32_t index) { return Raw("j").Raw(Bytes(index)); }

  // OrderedDict()
  PickleWriter& OrderedDict() {
    return Global("collections", "OrderedDict").EmptyTuple().Reduce();
  }
  // A storage as the zip format refers to it.
  PickleWriter& Storage(absl::string_view type, absl::string_view key,
                        int64_t elements) {
    return Mark()
        .String("storage")
        .Global("torch", type)
        .String(key)
        .String("cpu")
        .Int(elements)
        .Tuple()
        .PersistentId();
  }
  // A tensor that shows part of such a storage.
  PickleWriter& Tensor(absl::string_view type, absl::string_view key,
                       int64_t elements, int64_t offset,
                       std::initializer_list<int64_t> shape,
                       std::initializer_list<int64_t> strides) {
    return Global("torch._utils", "_rebuild_tensor_v2")
        .Mark()
        .Storage(type, key, elements)
        .Int(offset)
        .Ints(shape)
        .Ints(strides)
        .False()
        .OrderedDict()
        .Tuple()
        .Reduce();
  }

  // The pickle, with its end.
  std::string Stop() const { return absl::StrCat(bytes_, "."); }

 private:
  std::string bytes_;
};

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_PICKLE_WRITER_H_
