#include "converters/checkpoint/pickle.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "converters/checkpoint/pickle_machine.h"

namespace checkpoint {
namespace {

// The newest protocol that Python has.
constexpr int kMaxProtocol = 5;

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

// Decodes opcodes and their arguments for the machine.
class PickleReader {
 public:
  PickleReader(absl::string_view bytes, Pickle::Globals globals)
      : machine_(bytes, globals), bytes_(bytes) {}

  absl::StatusOr<Pickle> Run() {
    for (size_t opcodes = 0; !stopped_; ++opcodes) {
      at_ = position_;
      machine_.set_at(at_);
      if (opcodes >= Pickle::kMaxOpcodes) return machine_.TooMuch("opcodes");
      uint8_t opcode = 0;
      absl::Status status = Take(opcode);
      if (status.ok()) status = Execute(opcode);
      if (!status.ok()) return status;
    }
    return machine_.Finish(position_);
  }

 private:
  absl::Status Execute(uint8_t opcode);
  absl::Status ExecuteStackOpcode(uint8_t opcode);
  absl::Status ExecuteNumberOpcode(uint8_t opcode);
  absl::Status ExecuteStringOpcode(uint8_t opcode);
  absl::Status ExecuteMemoOpcode(uint8_t opcode);
  absl::Status ExecuteContainerOpcode(uint8_t opcode);
  absl::Status ExecuteObjectOpcode(uint8_t opcode);

  // The next bytes, as a little-endian number.
  template <typename T>
  absl::Status Take(T& value) {
    absl::string_view bytes;
    absl::Status status = TakeBytes(sizeof(T), bytes);
    if (status.ok()) std::memcpy(&value, bytes.data(), sizeof(T));
    return status;
  }
  absl::Status TakeBytes(uint64_t size, absl::string_view& bytes) {
    if (size > Pickle::kMaxBytes)
      return machine_.TooMuch("bytes in one string");
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
    const absl::string_view rest = bytes_.substr(position_, kMaxGlobalName + 1);
    const size_t end = rest.find('\n');
    if (end != absl::string_view::npos) {
      line = rest.substr(0, end);
      position_ += end + 1;
      return absl::OkStatus();
    }
    if (rest.size() > kMaxGlobalName)
      return machine_.Damaged("a name without end");
    return absl::OutOfRangeError("its pickle ends within a name");
  }

  PickleMachine machine_;
  const absl::string_view bytes_;
  size_t position_ = 0;
  size_t at_ = 0;  // of the opcode that is executed
  bool stopped_ = false;
};

absl::Status PickleReader::Execute(uint8_t opcode) {
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

absl::Status PickleReader::ExecuteStackOpcode(uint8_t opcode) {
  switch (opcode) {
    case kProto: {
      uint8_t protocol = 0;
      RETURN_IF_ERROR(Take(protocol));
      if (protocol > kMaxProtocol)
        return machine_.Damaged("an unknown protocol");
      return absl::OkStatus();
    }
    case kFrame: {
      uint64_t size = 0;
      return Take(size);
    }
    case kStop:
      stopped_ = true;
      return absl::OkStatus();
    case kMark:
      return machine_.Mark();
    case kPop:
      return machine_.PopAny();
    case kPopMark: {
      std::vector<PickleValue> values;
      return machine_.PopToMark(values);
    }
    default:  // kDup
      return machine_.Duplicate();
  }
}

absl::Status PickleReader::ExecuteNumberOpcode(uint8_t opcode) {
  const auto push = [this](auto number) {
    absl::Status status = Take(number);
    return status.ok() ? machine_.PushInt(static_cast<int64_t>(number))
                       : status;
  };
  const auto push_long = [this](auto size) {
    absl::string_view bytes;
    absl::Status status = Take(size);
    if (status.ok()) status = TakeBytes(size, bytes);
    return status.ok() ? machine_.PushLong(bytes) : status;
  };
  switch (opcode) {
    case kNone:
      return machine_.PushNone();
    case kNewTrue:
      return machine_.PushBool(true);
    case kNewFalse:
      return machine_.PushBool(false);
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
      return status.ok() ? machine_.PushFloat() : status;
    }
  }
}

absl::Status PickleReader::ExecuteStringOpcode(uint8_t opcode) {
  const auto push = [this](auto size) {
    absl::string_view bytes;
    absl::Status status = Take(size);
    if (status.ok()) status = TakeBytes(size, bytes);
    return status.ok() ? machine_.PushString(bytes) : status;
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

absl::Status PickleReader::ExecuteMemoOpcode(uint8_t opcode) {
  uint8_t narrow = 0;
  uint32_t wide = 0;
  absl::Status status;
  switch (opcode) {
    case kBinGet:
      status = Take(narrow);
      return status.ok() ? machine_.PushMemo(narrow) : status;
    case kLongBinGet:
      status = Take(wide);
      return status.ok() ? machine_.PushMemo(wide) : status;
    case kBinPut:
      status = Take(narrow);
      return status.ok() ? machine_.SetMemo(narrow) : status;
    case kLongBinPut:
      status = Take(wide);
      return status.ok() ? machine_.SetMemo(wide) : status;
    default:  // kMemoize
      return machine_.Memoize();
  }
}

absl::Status PickleReader::ExecuteContainerOpcode(uint8_t opcode) {
  std::vector<PickleValue> values;
  absl::Status status;
  switch (opcode) {
    case kEmptyTuple:
      return machine_.PushTuple({});
    case kTuple1:
      return machine_.PushTupleOf(1);
    case kTuple2:
      return machine_.PushTupleOf(2);
    case kTuple3:
      return machine_.PushTupleOf(3);
    case kTuple:
      status = machine_.PopToMark(values);
      return status.ok() ? machine_.PushTuple(values) : status;
    case kEmptyList:
      return machine_.PushList({});
    case kList:
      status = machine_.PopToMark(values);
      return status.ok() ? machine_.PushList(std::move(values)) : status;
    case kAppend:
      values.resize(1);
      status = machine_.Pop(values[0]);
      return status.ok() ? machine_.Append(values) : status;
    case kAppends:
      status = machine_.PopToMark(values);
      return status.ok() ? machine_.Append(values) : status;
    case kEmptyDict:
      return machine_.PushDict();
    case kSetItem:
      values.resize(2);
      status = machine_.Pop(values[1]);
      if (status.ok()) status = machine_.Pop(values[0]);
      return status.ok() ? machine_.SetItems(values) : status;
    default:  // kSetItems
      status = machine_.PopToMark(values);
      return status.ok() ? machine_.SetItems(values) : status;
  }
}

absl::Status PickleReader::ExecuteObjectOpcode(uint8_t opcode) {
  absl::Status status;
  switch (opcode) {
    case kGlobal: {
      absl::string_view module;
      absl::string_view name;
      status = TakeLine(module);
      if (status.ok()) status = TakeLine(name);
      return status.ok() ? machine_.PushGlobal(module, name) : status;
    }
    case kStackGlobal:
      return machine_.PushStackGlobal();
    case kReduce:
      return machine_.Reduce();
    case kBuild:
      return machine_.Build();
    default:  // kBinPersId
      return machine_.PushPersistent();
  }
}

}  // namespace

absl::StatusOr<Pickle> Pickle::Parse(absl::string_view bytes, Globals globals) {
  return PickleReader(bytes, globals).Run();
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
