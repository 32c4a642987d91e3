// File: converters/checkpoint/pickle.h
//
// Python's pickle format, as data: a closed interpreter that builds the tree
// that a pickle describes and runs nothing. Where Python would call a function,
// the tree has a node that says which function and which arguments; functions
// that are not on the caller's list are refused by name.
// Source: the opcodes and their documentation in CPython's Lib/pickletools.py.

#ifndef CONVERTERS_CHECKPOINT_PICKLE_H_
#define CONVERTERS_CHECKPOINT_PICKLE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace checkpoint {

// A value, small enough to be copied; what it holds is in its Pickle.
struct PickleValue {
  enum class Kind : uint8_t {
    kNone,
    kBool,
    kInt,     // of 64 bits
    kLong,    // longer: its little-endian bytes
    kFloat,   // whose value nothing needs
    kString,  // text or bytes
    kGlobal,  // a class or function on the caller's list
    kTuple,
    kList,
    kDict,        // also an OrderedDict
    kCall,        // a function's or class's result: see Pickle::call
    kPersistent,  // what the pickle's owner keeps under an id
  };
  Kind kind = Kind::kNone;
  uint32_t size = 0;   // of a tuple, string or long
  int64_t number = 0;  // of a bool or int; else where the rest is

  bool Is(Kind other) const { return kind == other; }
};

class Pickle {
 public:
  using Pair = std::pair<PickleValue, PickleValue>;
  struct Call {
    PickleValue function;   // a kGlobal
    PickleValue arguments;  // a kTuple
  };

  // Limits far beyond what checkpoints need; they bound the memory that a
  // hostile pickle can take to some 40 MB and its time to well under a second.
  static constexpr size_t kMaxBytes = 16 << 20;
  static constexpr size_t kMaxOpcodes = 1 << 21;
  static constexpr size_t kMaxStack = 1 << 16;
  static constexpr size_t kMaxMemo = 1 << 18;
  static constexpr size_t kMaxCells = 1 << 19;

  // A function or class, spelled "torch._utils _rebuild_tensor_v2".
  using Globals = absl::Span<const absl::string_view>;

  // Interprets the pickle at the beginning of `bytes`, which must outlive the
  // result, as must `globals`, the functions and classes that may occur;
  // "collections OrderedDict" is known without being listed.
  // Errors: OutOfRange if the bytes end before the pickle does;
  // PermissionDenied for a global that is not listed; Unimplemented for an
  // opcode that no checkpoint needs; DataLoss for damage and for what exceeds
  // the limits.
  static absl::StatusOr<Pickle> Parse(absl::string_view bytes, Globals globals);

  // What the pickle is a pickle of.
  const PickleValue& root() const { return root_; }
  // How many bytes it took.
  size_t size() const { return size_; }

  // Each requires a value of its kind, of this pickle.
  absl::string_view global(const PickleValue& value) const;
  absl::string_view string(const PickleValue& value) const;
  absl::Span<const PickleValue> tuple(const PickleValue& value) const;
  absl::Span<const PickleValue> list(const PickleValue& value) const;
  absl::Span<const Pair> dict(const PickleValue& value) const;
  const Call& call(const PickleValue& value) const;
  const PickleValue& persistent_id(const PickleValue& value) const;

 private:
  friend class PickleMachine;

  static constexpr absl::string_view kOrderedDict = "collections OrderedDict";
  // In PickleValue::number of a kGlobal: OrderedDict, not an index of globals_.
  static constexpr int64_t kOrderedDictIndex = -1;

  Pickle(absl::string_view bytes, Globals globals)
      : bytes_(bytes), globals_(globals) {}

  absl::string_view bytes_;
  Globals globals_;
  PickleValue root_;
  size_t size_ = 0;
  std::vector<PickleValue> items_;  // of tuples, and persistent ids
  std::vector<std::vector<PickleValue>> lists_;
  std::vector<std::vector<Pair>> dicts_;
  std::vector<Call> calls_;
};

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_PICKLE_H_
