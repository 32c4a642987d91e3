#include "converters/checkpoint/pickle.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace checkpoint {
namespace {

using Kind = PickleValue::Kind;

constexpr absl::string_view kOrderedDict = "collections OrderedDict";
// In PickleValue::number of a kGlobal: OrderedDict, not an index of the list.
constexpr int64_t kOrderedDictIndex = -1;
// The newest protocol that Python has.
constexpr int kMaxProtocol = 5;
// Longer names are no Python's.
constexpr size_t kMaxName = 256;

// Opcodes, by the names that pickletools gives them.
enum Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kList = 'l',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kEmptyTuple = ')',
  kEmptyList = ']',
  kEmptyDict = '}',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

}  // namespace

// The interpreter's stack and memo, while a pickle is read.
class PickleMachine {
 public:
  PickleMachine(absl::string_view bytes, Pickle::Globals globals)
      : pickle_(bytes, globals), bytes_(bytes) {}

  absl::StatusOr<Pickle> Run() {
    for (size_t opcodes = 0; !stopped_; ++opcodes) {
      at_ = position_;
      if (opcodes >= Pickle::kMaxOpcodes) return TooMuch("opcodes");
      uint8_t opcode = 0;
      absl::Status status = Take(opcode);
      if (status.ok()) status = Execute(opcode);
      if (!status.ok()) return status;
    }
    pickle_.size_ = position_;
    return std::move(pickle_);
  }

 private:
  absl::Status Execute(uint8_t opcode);
  absl::Status ExecuteStackOpcode(uint8_t opcode);
  absl::Status ExecuteNumberOpcode(uint8_t opcode);
  absl::Status ExecuteStringOpcode(uint8_t opcode);
  absl::Status ExecuteMemoOpcode(uint8_t opcode);
  absl::Status ExecuteContainerOpcode(uint8_t opcode);
  absl::Status ExecuteObjectOpcode(uint8_t opcode);

  absl::Status Damaged(absl::string_view what) const {
    return absl::DataLossError(
        absl::StrCat("its pickle is damaged at byte ", at_, ": ", what));
  }
  absl::Status TooMuch(absl::string_view what) const {
    return absl::DataLossError(
        absl::StrCat("its pickle has more ", what,
                     " than any checkpoint needs, at byte ", at_));
  }

  // The next bytes, as a little-endian number.
  template <typename T>
  absl::Status Take(T& value) {
    absl::string_view bytes;
    absl::Status status = TakeBytes(sizeof(T), bytes);
    if (status.ok()) std::memcpy(&value, bytes.data(), sizeof(T));
    return status;
  }
  absl::Status TakeBytes(uint64_t size, absl::string_view& bytes) {
    if (size > Pickle::kMaxBytes) return TooMuch("bytes in one string");
    if (size > bytes_.size() - position_) {
      return absl::OutOfRangeError(
          absl::StrCat("its pickle ends within the opcode at byte ", at_));
    }
    bytes = bytes_.substr(position_, size);
    position_ += size;
    return absl::OkStatus();
  }
  // Up to and without the next line feed.
  absl::Status TakeLine(absl::string_view& line) {
    const absl::string_view rest = bytes_.substr(position_, kMaxName + 1);
    const size_t end = rest.find('\n');
    if (end != absl::string_view::npos) {
      line = rest.substr(0, end);
      position_ += end + 1;
      return absl::OkStatus();
    }
    if (rest.size() > kMaxName) return Damaged("a name without end");
    return absl::OutOfRangeError("its pickle ends within a name");
  }

  // Counts what stays until the end against the limit.
  absl::Status Charge(size_t cells) {
    cells_ += cells;
    return cells_ <= Pickle::kMaxCells ? absl::OkStatus() : TooMuch("values");
  }

  absl::Status Push(PickleValue value) {
    if (stack_.size() >= Pickle::kMaxStack) return TooMuch("values at once");
    stack_.push_back(value);
    return absl::OkStatus();
  }
  absl::Status Push(Kind kind, int64_t number, size_t size = 0) {
    return Push({kind, static_cast<uint32_t>(size), number});
  }
  absl::Status PushString(Kind kind, absl::string_view bytes) {
    return Push(kind, bytes.data() - bytes_.data(), bytes.size());
  }
  // How many values lie above the last mark.
  size_t height() const {
    return stack_.size() - (marks_.empty() ? 0 : marks_.back());
  }
  absl::Status Pop(PickleValue& value) {
    if (height() == 0) return Damaged("the stack is empty");
    value = stack_.back();
    stack_.pop_back();
    return absl::OkStatus();
  }
  // The values above the last mark, which is taken off.
  absl::Status PopToMark(std::vector<PickleValue>& values) {
    if (marks_.empty()) return Damaged("there is no mark");
    values.assign(stack_.begin() + marks_.back(), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return absl::OkStatus();
  }

  absl::Status PushTuple(absl::Span<const PickleValue> values);
  absl::Status PushTupleOf(size_t count);
  absl::Status PushList(std::vector<PickleValue> values);
  absl::Status PushDict();
  absl::Status PushLong(absl::string_view bytes);
  absl::Status PushGlobal(absl::string_view module, absl::string_view name);
  absl::Status PushStackGlobal();
  absl::Status PushMemo(size_t index);
  absl::Status SetMemo(size_t index);
  absl::Status Append(absl::Span<const PickleValue> values);
  absl::Status SetItems(absl::Span<const PickleValue> values);
  absl::Status AddPair(PickleValue dict, PickleValue key, PickleValue value);
  absl::Status Reduce();
  absl::Status MakeOrderedDict(absl::Span<const PickleValue> arguments);
  absl::Status Build();

  Pickle pickle_;
  const absl::string_view bytes_;
  size_t position_ = 0;
  size_t at_ = 0;  // of the opcode that is executed
  size_t cells_ = 0;
  bool stopped_ = false;
  std::vector<PickleValue> stack_;
  std::vector<size_t> marks_;  // sizes of the stack
  std::vector<std::optional<PickleValue>> memo_;
};

absl::Status PickleMachine::Execute(uint8_t opcode) {
  switch (opcode) {
    case kProto:
    case kFrame:
    case kStop:
    case kMark:
    case kPop:
    case kPopMark:
    case kDup:
      return ExecuteStackOpcode(opcode);
    case kNone:
    case kNewTrue:
    case kNewFalse:
    case kBinInt:
    case kBinInt1:
    case kBinInt2:
    case kLong1:
    case kLong4:
    case kBinFloat:
      return ExecuteNumberOpcode(opcode);
    case kBinString:
    case kShortBinString:
    case kBinUnicode:
    case kShortBinUnicode:
    case kBinUnicode8:
    case kBinBytes:
    case kShortBinBytes:
    case kBinBytes8:
      return ExecuteStringOpcode(opcode);
    case kBinGet:
    case kLongBinGet:
    case kBinPut:
    case kLongBinPut:
    case kMemoize:
      return ExecuteMemoOpcode(opcode);
    case kEmptyTuple:
    case kTuple:
    case kTuple1:
    case kTuple2:
    case kTuple3:
    case kEmptyList:
    case kList:
    case kAppend:
    case kAppends:
    case kEmptyDict:
    case kSetItem:
    case kSetItems:
      return ExecuteContainerOpcode(opcode);
    case kGlobal:
    case kStackGlobal:
    case kReduce:
    case kBuild:
    case kBinPersId:
      return ExecuteObjectOpcode(opcode);
  }
  return absl::UnimplementedError(
      absl::StrFormat("its pickle has the opcode 0x%02x at byte %d, which no "
                      "checkpoint of tensors needs; nothing was run",
                      opcode, at_));
}

absl::Status PickleMachine::ExecuteStackOpcode(uint8_t opcode) {
  PickleValue value;
  switch (opcode) {
    case kProto: {
      uint8_t protocol = 0;
      absl::Status status = Take(protocol);
      if (!status.ok()) return status;
      if (protocol > kMaxProtocol) return Damaged("an unknown protocol");
      return absl::OkStatus();
    }
    case kFrame: {
      uint64_t size = 0;
      return Take(size);
    }
    case kStop:
      stopped_ = true;
      if (!marks_.empty() || stack_.size() != 1) {
        return Damaged("it stops with more or less than one value");
      }
      return Pop(pickle_.root_);
    case kMark:
      if (marks_.size() >= Pickle::kMaxStack) return TooMuch("marks");
      marks_.push_back(stack_.size());
      return absl::OkStatus();
    case kPop:
      // Python's pickler takes off a mark by this, too.
      if (height() == 0 && !marks_.empty()) {
        marks_.pop_back();
        return absl::OkStatus();
      }
      return Pop(value);
    case kPopMark: {
      std::vector<PickleValue> values;
      return PopToMark(values);
    }
    default: {  // kDup
      if (height() == 0) return Damaged("the stack is empty");
      return Push(stack_.back());
    }
  }
}

absl::Status PickleMachine::ExecuteNumberOpcode(uint8_t opcode) {
  const auto push = [this](auto number) {
    absl::Status status = Take(number);
    return status.ok() ? Push(Kind::kInt, static_cast<int64_t>(number))
                       : status;
  };
  const auto push_long = [this](auto size) {
    absl::string_view bytes;
    absl::Status status = Take(size);
    if (status.ok()) status = TakeBytes(size, bytes);
    return status.ok() ? PushLong(bytes) : status;
  };
  switch (opcode) {
    case kNone:
      return Push(Kind::kNone, 0);
    case kNewTrue:
      return Push(Kind::kBool, 1);
    case kNewFalse:
      return Push(Kind::kBool, 0);
    case kBinInt:
      return push(int32_t{});
    case kBinInt1:
      return push(uint8_t{});
    case kBinInt2:
      return push(uint16_t{});
    case kLong1:
      return push_long(uint8_t{});
    case kLong4:
      return push_long(uint32_t{});
    default: {  // kBinFloat
      uint64_t bits = 0;
      absl::Status status = Take(bits);
      return status.ok() ? Push(Kind::kFloat, 0) : status;
    }
  }
}

absl::Status PickleMachine::ExecuteStringOpcode(uint8_t opcode) {
  const auto push = [this](auto size) {
    absl::string_view bytes;
    absl::Status status = Take(size);
    if (status.ok()) status = TakeBytes(size, bytes);
    return status.ok() ? PushString(Kind::kString, bytes) : status;
  };
  switch (opcode) {
    case kShortBinString:
    case kShortBinUnicode:
    case kShortBinBytes:
      return push(uint8_t{});
    case kBinString:
    case kBinUnicode:
    case kBinBytes:
      return push(uint32_t{});
    default:  // kBinUnicode8, kBinBytes8
      return push(uint64_t{});
  }
}

absl::Status PickleMachine::ExecuteMemoOpcode(uint8_t opcode) {
  uint8_t narrow = 0;
  uint32_t wide = 0;
  absl::Status status;
  switch (opcode) {
    case kBinGet:
      status = Take(narrow);
      return status.ok() ? PushMemo(narrow) : status;
    case kLongBinGet:
      status = Take(wide);
      return status.ok() ? PushMemo(wide) : status;
    case kBinPut:
      status = Take(narrow);
      return status.ok() ? SetMemo(narrow) : status;
    case kLongBinPut:
      status = Take(wide);
      return status.ok() ? SetMemo(wide) : status;
    default:  // kMemoize
      return SetMemo(memo_.size());
  }
}

absl::Status PickleMachine::ExecuteContainerOpcode(uint8_t opcode) {
  std::vector<PickleValue> values;
  absl::Status status;
  switch (opcode) {
    case kEmptyTuple:
      return PushTuple({});
    case kTuple1:
      return PushTupleOf(1);
    case kTuple2:
      return PushTupleOf(2);
    case kTuple3:
      return PushTupleOf(3);
    case kTuple:
      status = PopToMark(values);
      return status.ok() ? PushTuple(values) : status;
    case kEmptyList:
      return PushList({});
    case kList:
      status = PopToMark(values);
      return status.ok() ? PushList(std::move(values)) : status;
    case kAppend:
      values.resize(1);
      status = Pop(values[0]);
      return status.ok() ? Append(values) : status;
    case kAppends:
      status = PopToMark(values);
      return status.ok() ? Append(values) : status;
    case kEmptyDict:
      return PushDict();
    case kSetItem:
      values.resize(2);
      status = Pop(values[1]);
      if (status.ok()) status = Pop(values[0]);
      return status.ok() ? SetItems(values) : status;
    default:  // kSetItems
      status = PopToMark(values);
      return status.ok() ? SetItems(values) : status;
  }
}

absl::Status PickleMachine::ExecuteObjectOpcode(uint8_t opcode) {
  absl::Status status;
  switch (opcode) {
    case kGlobal: {
      absl::string_view module;
      absl::string_view name;
      status = TakeLine(module);
      if (status.ok()) status = TakeLine(name);
      return status.ok() ? PushGlobal(module, name) : status;
    }
    case kStackGlobal:
      return PushStackGlobal();
    case kReduce:
      return Reduce();
    case kBuild:
      return Build();
    default: {  // kBinPersId
      PickleValue id;
      status = Pop(id);
      if (status.ok()) status = Charge(1);
      if (!status.ok()) return status;
      pickle_.items_.push_back(id);
      return Push(Kind::kPersistent, pickle_.items_.size() - 1);
    }
  }
}

absl::Status PickleMachine::PushTuple(absl::Span<const PickleValue> values) {
  absl::Status status = Charge(values.size());
  if (!status.ok()) return status;
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
  absl::Status status = Charge(2 + values.size());
  if (!status.ok()) return status;
  pickle_.lists_.push_back(std::move(values));
  return Push(Kind::kList, pickle_.lists_.size() - 1);
}

absl::Status PickleMachine::PushDict() {
  absl::Status status = Charge(2);
  if (!status.ok()) return status;
  pickle_.dicts_.emplace_back();
  return Push(Kind::kDict, pickle_.dicts_.size() - 1);
}

absl::Status PickleMachine::PushLong(absl::string_view bytes) {
  if (bytes.size() > sizeof(int64_t)) return PushString(Kind::kLong, bytes);
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
  absl::Status status = Charge(1);
  if (!status.ok()) return status;
  const std::string spelled = absl::StrCat(module, " ", name);
  if (spelled == kOrderedDict) return Push(Kind::kGlobal, kOrderedDictIndex);
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
  absl::Status status = Pop(name);
  if (status.ok()) status = Pop(module);
  if (!status.ok()) return status;
  if (!module.Is(Kind::kString) || !name.Is(Kind::kString) ||
      module.size > kMaxName || name.size > kMaxName) {
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
  absl::Status status = Charge(values.size());
  if (!status.ok()) return status;
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
    absl::Status status = AddPair(dict, values[i], values[i + 1]);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status PickleMachine::AddPair(PickleValue dict, PickleValue key,
                                    PickleValue value) {
  if (!dict.Is(Kind::kDict)) return Damaged("items for what is no dictionary");
  absl::Status status = Charge(2);
  if (!status.ok()) return status;
  pickle_.dicts_[dict.number].emplace_back(key, value);
  return absl::OkStatus();
}

absl::Status PickleMachine::Reduce() {
  Pickle::Call call;
  absl::Status status = Pop(call.arguments);
  if (status.ok()) status = Pop(call.function);
  if (!status.ok()) return status;
  if (!call.function.Is(Kind::kGlobal) || !call.arguments.Is(Kind::kTuple)) {
    return Damaged("a call of what is no function");
  }
  if (call.function.number == kOrderedDictIndex) {
    return MakeOrderedDict(pickle_.tuple(call.arguments));
  }
  status = Charge(2);
  if (!status.ok()) return status;
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

// Sets attributes, which no tensor needs (a state dictionary has _metadata).
absl::Status PickleMachine::Build() {
  PickleValue state;
  absl::Status status = Pop(state);
  if (!status.ok()) return status;
  if (height() == 0 ||
      !(stack_.back().Is(Kind::kDict) || stack_.back().Is(Kind::kCall))) {
    return Damaged("attributes for what has none");
  }
  return absl::OkStatus();
}

absl::StatusOr<Pickle> Pickle::Parse(absl::string_view bytes, Globals globals) {
  return PickleMachine(bytes, globals).Run();
}

absl::string_view Pickle::global(const PickleValue& value) const {
  return value.number == kOrderedDictIndex ? kOrderedDict
                                           : globals_[value.number];
}

absl::string_view Pickle::string(const PickleValue& value) const {
  return bytes_.substr(value.number, value.size);
}

absl::Span<const PickleValue> Pickle::tuple(const PickleValue& value) const {
  return absl::MakeConstSpan(items_).subspan(value.number, value.size);
}

absl::Span<const PickleValue> Pickle::list(const PickleValue& value) const {
  return lists_[value.number];
}

absl::Span<const Pickle::Pair> Pickle::dict(const PickleValue& value) const {
  return dicts_[value.number];
}

const Pickle::Call& Pickle::call(const PickleValue& value) const {
  return calls_[value.number];
}

const PickleValue& Pickle::persistent_id(const PickleValue& value) const {
  return items_[value.number];
}

}  // namespace checkpoint
