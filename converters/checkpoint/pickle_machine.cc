#include "converters/checkpoint/pickle_machine.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "converters/checkpoint/pickle.h"

namespace checkpoint {

absl::Status PickleMachine::Damaged(absl::string_view what) const {
  return absl::DataLossError(
      absl::StrCat("its pickle is damaged at byte ", at_, ": ", what));
}

absl::Status PickleMachine::TooMuch(absl::string_view what) const {
  return absl::DataLossError(
      absl::StrCat("its pickle has more ", what,
                   " than any checkpoint needs, at byte ", at_));
}

absl::StatusOr<Pickle> PickleMachine::Finish(size_t size) {
  if (!marks_.empty() || stack_.size() != 1) {
    return Damaged("it stops with more or less than one value");
  }
  pickle_.root_ = stack_.back();
  pickle_.size_ = size;
  return std::move(pickle_);
}

absl::Status PickleMachine::Charge(size_t cells) {
  cells_ += cells;
  return cells_ <= Pickle::kMaxCells ? absl::OkStatus() : TooMuch("values");
}

absl::Status PickleMachine::Push(PickleValue value) {
  if (stack_.size() >= Pickle::kMaxStack) return TooMuch("values at once");
  stack_.push_back(value);
  return absl::OkStatus();
}

absl::Status PickleMachine::Mark() {
  if (marks_.size() >= Pickle::kMaxStack) return TooMuch("marks");
  marks_.push_back(stack_.size());
  return absl::OkStatus();
}

absl::Status PickleMachine::Duplicate() {
  if (height() == 0) return Damaged("the stack is empty");
  return Push(stack_.back());
}

absl::Status PickleMachine::Pop(PickleValue& value) {
  if (height() == 0) return Damaged("the stack is empty");
  value = stack_.back();
  stack_.pop_back();
  return absl::OkStatus();
}

absl::Status PickleMachine::PopAny() {
  if (height() == 0 && !marks_.empty()) {
    marks_.pop_back();
    return absl::OkStatus();
  }
  PickleValue value;
  return Pop(value);
}

absl::Status PickleMachine::PopToMark(std::vector<PickleValue>& values) {
  if (marks_.empty()) return Damaged("there is no mark");
  values.assign(stack_.begin() + marks_.back(), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return absl::OkStatus();
}

absl::Status PickleMachine::PushPersistent() {
  PickleValue id;
  RETURN_IF_ERROR(Pop(id));
  RETURN_IF_ERROR(Charge(1));
  pickle_.items_.push_back(id);
  return Push(Kind::kPersistent, pickle_.items_.size() - 1);
}

absl::Status PickleMachine::PushTuple(absl::Span<const PickleValue> values) {
  RETURN_IF_ERROR(Charge(values.size()));
  const size_t begin = pickle_.items_.size();
  pickle_.items_.insert(pickle_.items_.end(), values.begin(), values.end());
  return Push(Kind::kTuple, begin, values.size());
}

absl::Status PickleMachine::PushTupleOf(size_t count) {
  if (height() < count) return Damaged("the stack is too short for a tuple");
  const std::vector<PickleValue> values(stack_.end() - count, stack_.end());
  stack_.resize(stack_.size() - count);
  return PushTuple(values);
}

absl::Status PickleMachine::PushList(std::vector<PickleValue> values) {
  RETURN_IF_ERROR(Charge(2 + values.size()));
  pickle_.lists_.push_back(std::move(values));
  return Push(Kind::kList, pickle_.lists_.size() - 1);
}

absl::Status PickleMachine::PushDict() {
  RETURN_IF_ERROR(Charge(2));
  pickle_.dicts_.emplace_back();
  return Push(Kind::kDict, pickle_.dicts_.size() - 1);
}

absl::Status PickleMachine::PushLong(absl::string_view bytes) {
  if (bytes.size() > sizeof(int64_t)) return PushBytes(Kind::kLong, bytes);
  // Two's complement, of as few bytes as hold it.
  int64_t value = 0;
  if (!bytes.empty()) {
    std::memcpy(&value, bytes.data(), bytes.size());
    const int unused = 64 - 8 * static_cast<int>(bytes.size());
    value =
        static_cast<int64_t>(static_cast<uint64_t>(value) << unused) >> unused;
  }
  return Push(Kind::kInt, value);
}

absl::Status PickleMachine::PushGlobal(absl::string_view module,
                                       absl::string_view name) {
  RETURN_IF_ERROR(Charge(1));
  const std::string spelled = absl::StrCat(module, " ", name);
  if (spelled == Pickle::kOrderedDict)
    return Push(Kind::kGlobal, Pickle::kOrderedDictIndex);
  const auto found = absl::c_find(pickle_.globals_, spelled);
  if (found != pickle_.globals_.end()) {
    return Push(Kind::kGlobal, found - pickle_.globals_.begin());
  }
  return absl::PermissionDeniedError(absl::StrCat(
      "its pickle asks for ", absl::CHexEscape(module.substr(0, 200)), ".",
      absl::CHexEscape(name.substr(0, 200)),
      ", which no checkpoint of tensors needs; nothing was run"));
}

absl::Status PickleMachine::PushStackGlobal() {
  PickleValue module;
  PickleValue name;
  RETURN_IF_ERROR(Pop(name));
  RETURN_IF_ERROR(Pop(module));
  if (!module.Is(Kind::kString) || !name.Is(Kind::kString) ||
      module.size > kMaxGlobalName || name.size > kMaxGlobalName) {
    return Damaged("a global without a name");
  }
  return PushGlobal(pickle_.string(module), pickle_.string(name));
}

absl::Status PickleMachine::PushMemo(size_t index) {
  if (index >= memo_.size() || !memo_[index].has_value()) {
    return Damaged("a memo that was never set");
  }
  return Push(*memo_[index]);
}

absl::Status PickleMachine::SetMemo(size_t index) {
  if (height() == 0) return Damaged("the stack is empty");
  if (index >= Pickle::kMaxMemo) return TooMuch("memos");
  if (index >= memo_.size()) memo_.resize(index + 1);
  memo_[index] = stack_.back();
  return absl::OkStatus();
}

absl::Status PickleMachine::Append(absl::Span<const PickleValue> values) {
  if (height() == 0 || !stack_.back().Is(Kind::kList)) {
    return Damaged("items for what is no list");
  }
  RETURN_IF_ERROR(Charge(values.size()));
  std::vector<PickleValue>& list = pickle_.lists_[stack_.back().number];
  list.insert(list.end(), values.begin(), values.end());
  return absl::OkStatus();
}

absl::Status PickleMachine::SetItems(absl::Span<const PickleValue> values) {
  if (height() == 0 || values.size() % 2 != 0) {
    return Damaged("keys without values");
  }
  const PickleValue dict = stack_.back();
  for (size_t i = 0; i < values.size(); i += 2) {
    RETURN_IF_ERROR(AddPair(dict, values[i], values[i + 1]));
  }
  return absl::OkStatus();
}

absl::Status PickleMachine::AddPair(PickleValue dict, PickleValue key,
                                    PickleValue value) {
  if (!dict.Is(Kind::kDict)) return Damaged("items for what is no dictionary");
  RETURN_IF_ERROR(Charge(2));
  pickle_.dicts_[dict.number].emplace_back(key, value);
  return absl::OkStatus();
}

absl::Status PickleMachine::Reduce() {
  Pickle::Call call;
  RETURN_IF_ERROR(Pop(call.arguments));
  RETURN_IF_ERROR(Pop(call.function));
  if (!call.function.Is(Kind::kGlobal) || !call.arguments.Is(Kind::kTuple)) {
    return Damaged("a call of what is no function");
  }
  if (call.function.number == Pickle::kOrderedDictIndex) {
    return MakeOrderedDict(pickle_.tuple(call.arguments));
  }
  RETURN_IF_ERROR(Charge(2));
  pickle_.calls_.push_back(call);
  return Push(Kind::kCall, pickle_.calls_.size() - 1);
}

// OrderedDict(), or, as Python 2 has it, OrderedDict([[key, value], …]).
absl::Status PickleMachine::MakeOrderedDict(
    absl::Span<const PickleValue> arguments) {
  std::vector<PickleValue> pairs;
  if (!arguments.empty()) {
    if (arguments.size() != 1 || !arguments[0].Is(Kind::kList)) {
      return Damaged("an OrderedDict of something else than pairs");
    }
    pairs = pickle_.lists_[arguments[0].number];
  }
  absl::Status status = PushDict();
  for (const PickleValue& pair : pairs) {
    absl::Span<const PickleValue> items;
    if (pair.Is(Kind::kList)) items = pickle_.list(pair);
    if (pair.Is(Kind::kTuple)) items = pickle_.tuple(pair);
    if (items.size() != 2) return Damaged("an OrderedDict's item is no pair");
    if (status.ok()) status = AddPair(stack_.back(), items[0], items[1]);
  }
  return status;
}

// A state dictionary has _metadata, a parameter whatever was set on it.
absl::Status PickleMachine::Build() {
  PickleValue state;
  RETURN_IF_ERROR(Pop(state));
  if (height() == 0 ||
      !(stack_.back().Is(Kind::kDict) || stack_.back().Is(Kind::kCall))) {
    return Damaged("attributes for what has none");
  }
  return absl::OkStatus();
}

}  // namespace checkpoint
