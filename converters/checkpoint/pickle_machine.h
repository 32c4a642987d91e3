// File: converters/checkpoint/pickle_machine.h
//
// The machine that a pickle is a program for: a stack with marks, a memo, and
// the values that are made. It bounds what it keeps; see Pickle's limits. How
// opcodes are spelled is for pickle.cc to know.

#ifndef CONVERTERS_CHECKPOINT_PICKLE_MACHINE_H_
#define CONVERTERS_CHECKPOINT_PICKLE_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/checkpoint/pickle.h"

namespace checkpoint {

// Longer names of classes and functions are no Python's.
inline constexpr size_t kMaxGlobalName = 256;

// Each method is what an opcode does. Errors: DataLoss for what makes no sense
// with the stack as it is, or exceeds a limit; PermissionDenied for a global
// that is not listed.
class PickleMachine {
 public:
  using Kind = PickleValue::Kind;

  // As of Pickle::Parse.
  PickleMachine(absl::string_view bytes, Pickle::Globals globals)
      : pickle_(bytes, globals), bytes_(bytes) {}

  // Where the current opcode is, for messages.
  void set_at(size_t at) { at_ = at; }
  absl::Status Damaged(absl::string_view what) const;
  absl::Status TooMuch(absl::string_view what) const;

  // The result, of a pickle of `size` bytes. The machine is done with.
  absl::StatusOr<Pickle> Finish(size_t size);

  absl::Status PushNone() { return Push({}); }
  absl::Status PushBool(bool value) { return Push(Kind::kBool, value); }
  absl::Status PushInt(int64_t value) { return Push(Kind::kInt, value); }
  absl::Status PushFloat() { return Push(Kind::kFloat, 0); }
  // A part of the pickle's bytes.
  absl::Status PushString(absl::string_view text) {
    return PushBytes(Kind::kString, text);
  }
  // A number in two's complement, of any length.
  absl::Status PushLong(absl::string_view bytes);
  absl::Status PushGlobal(absl::string_view module, absl::string_view name);
  // The same, with module and name from the stack.
  absl::Status PushStackGlobal();
  absl::Status PushTuple(absl::Span<const PickleValue> values);
  // A tuple of the topmost values.
  absl::Status PushTupleOf(size_t count);
  absl::Status PushList(std::vector<PickleValue> values);
  absl::Status PushDict();
  absl::Status PushMemo(size_t index);
  absl::Status SetMemo(size_t index);
  // Under the next number.
  absl::Status Memoize() { return SetMemo(memo_.size()); }

  absl::Status Mark();
  absl::Status Duplicate();
  absl::Status Pop(PickleValue& value);
  // A mark, if it is on top, or a value.
  absl::Status PopAny();
  // The values above the last mark, which is taken off.
  absl::Status PopToMark(std::vector<PickleValue>& values);

  // To the list or dictionary on top.
  absl::Status Append(absl::Span<const PickleValue> values);
  absl::Status SetItems(absl::Span<const PickleValue> keys_and_values);
  // Makes a call of the topmost function and arguments.
  absl::Status Reduce();
  // Sets attributes, which no tensor needs: drops them.
  absl::Status Build();
  // Makes a value that its owner keeps, of the id on top.
  absl::Status PushPersistent();

 private:
  absl::Status Push(PickleValue value);
  absl::Status Push(Kind kind, int64_t number, size_t size = 0) {
    return Push({kind, static_cast<uint32_t>(size), number});
  }
  absl::Status PushBytes(Kind kind, absl::string_view bytes) {
    return Push(kind, bytes.data() - bytes_.data(), bytes.size());
  }
  absl::Status AddPair(PickleValue dict, PickleValue key, PickleValue value);
  absl::Status MakeOrderedDict(absl::Span<const PickleValue> arguments);
  // Counts what stays until the end against the limit.
  absl::Status Charge(size_t cells);
  // How many values lie above the last mark.
  size_t height() const {
    return stack_.size() - (marks_.empty() ? 0 : marks_.back());
  }

  Pickle pickle_;
  const absl::string_view bytes_;
  size_t at_ = 0;
  size_t cells_ = 0;
  std::vector<PickleValue> stack_;
  std::vector<size_t> marks_;  // sizes of the stack
  std::vector<std::optional<PickleValue>> memo_;
};

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_PICKLE_MACHINE_H_
