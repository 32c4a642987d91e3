#include "converters/checkpoint/torch_state.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/pickle.h"

namespace checkpoint {
namespace {

using Kind = PickleValue::Kind;

constexpr absl::string_view kRebuildTensor = "torch._utils _rebuild_tensor";
constexpr absl::string_view kRebuildTensorV2 =
    "torch._utils _rebuild_tensor_v2";
constexpr absl::string_view kRebuildTensorV3 =
    "torch._utils _rebuild_tensor_v3";
constexpr absl::string_view kRebuildParameter =
    "torch._utils _rebuild_parameter";
constexpr absl::string_view kRebuildParameterWithState =
    "torch._utils _rebuild_parameter_with_state";
constexpr absl::string_view kRebuildFromType =
    "torch._tensor _rebuild_from_type_v2";
constexpr absl::string_view kTensor = "torch Tensor";
constexpr absl::string_view kParameter = "torch.nn.parameter Parameter";
constexpr absl::string_view kSize = "torch Size";
constexpr absl::string_view kUntypedStorage = "torch.storage UntypedStorage";

// More tensors than any file of a checkpoint holds, and more dimensions than
// any weight has. They bound what a small hostile pickle can ask for.
constexpr size_t kMaxTensors = 1 << 15;
constexpr size_t kMaxRank = 8;
// Longer names and keys are no tensor's.
constexpr size_t kMaxName = 1024;
// A parameter of a tensor of a type: deeper wrapping is nobody's.
constexpr int kMaxWrapping = 4;

struct TypeName {
  absl::string_view name;
  ElementType type;
};

// Classes of storages, by what follows "torch " or "torch.cuda ".
constexpr TypeName kStorageClasses[] = {
    {"BoolStorage", ElementType::kBool},
    {"ByteStorage", ElementType::kU8},
    {"CharStorage", ElementType::kI8},
    {"ShortStorage", ElementType::kI16},
    {"IntStorage", ElementType::kI32},
    {"LongStorage", ElementType::kI64},
    {"HalfStorage", ElementType::kF16},
    {"BFloat16Storage", ElementType::kBF16},
    {"FloatStorage", ElementType::kF32},
    {"DoubleStorage", ElementType::kF64},
};

// Element types, by what follows "torch ".
constexpr TypeName kDtypes[] = {
    {"bool", ElementType::kBool},
    {"uint8", ElementType::kU8},
    {"int8", ElementType::kI8},
    {"int16", ElementType::kI16},
    {"int32", ElementType::kI32},
    {"int64", ElementType::kI64},
    {"float8_e4m3fn", ElementType::kF8E4M3},
    {"float8_e5m2", ElementType::kF8E5M2},
    {"float16", ElementType::kF16},
    {"bfloat16", ElementType::kBF16},
    {"float32", ElementType::kF32},
    {"float64", ElementType::kF64},
};

std::vector<absl::string_view>* MakeGlobals() {
  // The names live as long as the process does.
  static auto* const spelled = new std::vector<std::string>;
  for (const TypeName& storage : kStorageClasses) {
    spelled->push_back(absl::StrCat("torch ", storage.name));
    spelled->push_back(absl::StrCat("torch.cuda ", storage.name));
  }
  for (const TypeName& dtype : kDtypes) {
    spelled->push_back(absl::StrCat("torch ", dtype.name));
  }
  auto* const globals = new std::vector<absl::string_view>(
      {kRebuildTensor, kRebuildTensorV2, kRebuildTensorV3, kRebuildParameter,
       kRebuildParameterWithState, kRebuildFromType, kTensor, kParameter, kSize,
       kUntypedStorage});
  globals->insert(globals->end(), spelled->begin(), spelled->end());
  return globals;
}

std::optional<ElementType> FindType(absl::Span<const TypeName> names,
                                    absl::string_view name) {
  for (const TypeName& candidate : names) {
    if (candidate.name == name) return candidate.type;
  }
  return std::nullopt;
}

// Walks the tree from the dictionary to the storages.
class StateReader {
 public:
  explicit StateReader(const Pickle& pickle) : pickle_(pickle) {}

  absl::StatusOr<TorchState> Read();

 private:
  absl::Status ReadTensor(PickleValue value, TorchTensor& tensor);
  absl::Status ReadPlainTensor(absl::string_view function,
                               absl::Span<const PickleValue> arguments,
                               TorchTensor& tensor);
  absl::Status ReadStorage(PickleValue value, std::optional<ElementType>& type,
                           TorchTensor& tensor);
  absl::Status AddStorage(TorchStorage storage, TorchTensor& tensor);
  absl::Status ReadView(PickleValue view, const TorchStorage& storage,
                        TorchTensor& tensor);
  absl::Status ReadNumbers(PickleValue value, absl::string_view what,
                           std::vector<uint64_t>& numbers);

  static absl::Status Wrong(absl::string_view what) {
    return absl::DataLossError(what);
  }
  bool IsGlobal(PickleValue value, absl::string_view name) const {
    return value.Is(Kind::kGlobal) && pickle_.global(value) == name;
  }
  // A number that is not negative.
  static bool ReadNumber(PickleValue value, uint64_t& number) {
    number = static_cast<uint64_t>(value.number);
    return value.Is(Kind::kInt) && value.number >= 0;
  }

  const Pickle& pickle_;
  TorchState state_;
  absl::flat_hash_map<std::string, size_t> storage_of_;  // by key
};

absl::StatusOr<TorchState> StateReader::Read() {
  if (!pickle_.root().Is(Kind::kDict)) {
    return Wrong("it holds something else than a dictionary of tensors");
  }
  const absl::Span<const Pickle::Pair> pairs = pickle_.dict(pickle_.root());
  if (pairs.size() > kMaxTensors) {
    return Wrong(absl::StrCat("it holds ", pairs.size(),
                              " tensors, more than any checkpoint needs"));
  }
  absl::flat_hash_set<absl::string_view> names;
  for (const auto& [key, value] : pairs) {
    if (!key.Is(Kind::kString) || key.size > kMaxName) {
      return Wrong("a key is no name of a tensor");
    }
    TorchTensor tensor;
    tensor.name = std::string(pickle_.string(key));
    absl::Status status = names.insert(pickle_.string(key)).second
                              ? ReadTensor(value, tensor)
                              : Wrong("occurs twice");
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("entry \"", base::Printable(tensor.name),
                                       "\" ", status.message()));
    }
    state_.tensors.push_back(std::move(tensor));
  }
  return std::move(state_);
}

absl::Status StateReader::ReadTensor(PickleValue value, TorchTensor& tensor) {
  if (value.Is(Kind::kDict)) {
    return Wrong(
        "is a dictionary, not a tensor: this is a training checkpoint; save "
        "the model's state dictionary alone");
  }
  if (!value.Is(Kind::kCall)) return Wrong("is no tensor");
  PickleValue function = pickle_.call(value).function;
  PickleValue arguments = pickle_.call(value).arguments;
  for (int depth = 0; depth < kMaxWrapping; ++depth) {
    const absl::string_view name = pickle_.global(function);
    const absl::Span<const PickleValue> items = pickle_.tuple(arguments);
    if (name == kRebuildParameter || name == kRebuildParameterWithState) {
      if (items.empty() || !items[0].Is(Kind::kCall)) break;
      function = pickle_.call(items[0]).function;
      arguments = pickle_.call(items[0]).arguments;
    } else if (name == kRebuildFromType) {
      // (function, class, the function's arguments, attributes)
      if (items.size() != 4 || !items[0].Is(Kind::kGlobal) ||
          !items[2].Is(Kind::kTuple) ||
          !(IsGlobal(items[1], kTensor) || IsGlobal(items[1], kParameter))) {
        break;
      }
      function = items[0];
      arguments = items[2];
    } else {
      return ReadPlainTensor(name, items, tensor);
    }
  }
  return Wrong("is no tensor");
}

// _rebuild_tensor(storage, offset, size, stride), of version 2 on followed by
// (requires_grad, hooks[, metadata]) and, of version 3, a type before the
// metadata.
absl::Status StateReader::ReadPlainTensor(
    absl::string_view function, absl::Span<const PickleValue> arguments,
    TorchTensor& tensor) {
  const bool typed = function == kRebuildTensorV3;
  const size_t expected = function == kRebuildTensor ? 4 : typed ? 7 : 6;
  if ((function != kRebuildTensor && function != kRebuildTensorV2 && !typed) ||
      arguments.size() < expected || arguments.size() > expected + 1) {
    return Wrong("is no tensor");
  }
  std::optional<ElementType> type;
  RETURN_IF_ERROR(ReadStorage(arguments[0], type, tensor));
  if (typed && arguments[6].Is(Kind::kGlobal)) {
    type = FindType(kDtypes,
                    absl::StripPrefix(pickle_.global(arguments[6]), "torch "));
  }
  if (!type.has_value()) return Wrong("has no type of its elements");
  tensor.type = *type;
  if (arguments.size() > expected &&
      !(arguments[expected].Is(Kind::kDict) &&
        pickle_.dict(arguments[expected]).empty()) &&
      !arguments[expected].Is(Kind::kNone)) {
    return absl::UnimplementedError("is a conjugate or negated view");
  }
  uint64_t offset = 0;
  if (!ReadNumber(arguments[1], offset) ||
      offset > std::numeric_limits<int64_t>::max() / 16) {
    return Wrong("has no offset into its storage");
  }
  tensor.offset += offset * ElementSize(tensor.type);
  RETURN_IF_ERROR(ReadNumbers(arguments[2], "extents", tensor.shape));
  return ReadNumbers(arguments[3], "strides", tensor.strides);
}

// An id ("storage", class, key, device, elements[, view]).
absl::Status StateReader::ReadStorage(PickleValue value,
                                      std::optional<ElementType>& type,
                                      TorchTensor& tensor) {
  if (!value.Is(Kind::kPersistent)) return Wrong("has no storage");
  const PickleValue id = pickle_.persistent_id(value);
  if (!id.Is(Kind::kTuple)) return Wrong("has no storage");
  const absl::Span<const PickleValue> items = pickle_.tuple(id);
  TorchStorage storage;
  if (items.size() < 5 || items.size() > 6 || !items[0].Is(Kind::kString) ||
      pickle_.string(items[0]) != "storage" || !items[1].Is(Kind::kGlobal) ||
      !items[2].Is(Kind::kString) || items[2].size > kMaxName ||
      !ReadNumber(items[4], storage.elements)) {
    return Wrong("has no storage");
  }
  absl::string_view name = pickle_.global(items[1]);
  if (name == kUntypedStorage) {
    storage.element_size = 1;
  } else {
    if (!absl::ConsumePrefix(&name, "torch.cuda ")) {
      absl::ConsumePrefix(&name, "torch ");
    }
    type = FindType(kStorageClasses, name);
    if (!type.has_value()) return Wrong("has no storage");
    storage.element_size = ElementSize(*type);
  }
  storage.key = std::string(pickle_.string(items[2]));
  if (storage.elements > std::numeric_limits<int64_t>::max() / 16) {
    return Wrong(absl::StrCat("has a storage of ", storage.elements,
                              " elements, more than can be"));
  }
  absl::Status status = AddStorage(storage, tensor);
  if (status.ok() && items.size() == 6 && !items[5].Is(Kind::kNone)) {
    status = ReadView(items[5], storage, tensor);
  }
  return status;
}

absl::Status StateReader::AddStorage(TorchStorage storage,
                                     TorchTensor& tensor) {
  const auto [found, inserted] =
      storage_of_.emplace(storage.key, state_.storages.size());
  tensor.storage = found->second;
  if (inserted) {
    state_.storages.push_back(std::move(storage));
    return absl::OkStatus();
  }
  const TorchStorage& known = state_.storages[found->second];
  if (known.elements == storage.elements &&
      known.element_size == storage.element_size) {
    return absl::OkStatus();
  }
  return Wrong(absl::StrCat("has a storage of ", storage.elements,
                            " elements of ", storage.element_size,
                            " bytes, which another tensor says has ",
                            known.elements, " of ", known.element_size));
}

// (key, first element, elements): a part of the storage, in files of before
// PyTorch 0.4.
absl::Status StateReader::ReadView(PickleValue view,
                                   const TorchStorage& storage,
                                   TorchTensor& tensor) {
  uint64_t first = 0;
  uint64_t elements = 0;
  if (!view.Is(Kind::kTuple) || pickle_.tuple(view).size() != 3 ||
      !ReadNumber(pickle_.tuple(view)[1], first) ||
      !ReadNumber(pickle_.tuple(view)[2], elements) ||
      first > storage.elements || elements > storage.elements - first) {
    return Wrong("shows a part of its storage that is not there");
  }
  tensor.offset = first * storage.element_size;
  return absl::OkStatus();
}

absl::Status StateReader::ReadNumbers(PickleValue value, absl::string_view what,
                                      std::vector<uint64_t>& numbers) {
  if (value.Is(Kind::kCall) && IsGlobal(pickle_.call(value).function, kSize)) {
    const absl::Span<const PickleValue> arguments =
        pickle_.tuple(pickle_.call(value).arguments);
    if (arguments.size() == 1) value = arguments[0];
  }
  if (!value.Is(Kind::kTuple)) return Wrong(absl::StrCat("has no ", what));
  const absl::Span<const PickleValue> items = pickle_.tuple(value);
  if (items.size() > kMaxRank) {
    return Wrong(absl::StrCat("has ", items.size(), " ", what));
  }
  for (const PickleValue& item : items) {
    uint64_t number = 0;
    if (!ReadNumber(item, number)) {
      return Wrong(absl::StrCat("has ", what, " that are no counts"));
    }
    numbers.push_back(number);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Span<const absl::string_view> TorchGlobals() {
  static const std::vector<absl::string_view>* const globals = MakeGlobals();
  return *globals;
}

absl::StatusOr<TorchState> ReadTorchState(const Pickle& pickle) {
  return StateReader(pickle).Read();
}

}  // namespace checkpoint
