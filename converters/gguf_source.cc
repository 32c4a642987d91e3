#include "converters/gguf_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"
#include "gguf/file.h"
#include "gguf/file_set.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "quant/quantize.h"

namespace converters {
namespace {

using gguf::TensorType;

// Bytes that are read and converted at once; on the stack, in the cache.
constexpr size_t kBufferBytes = 32 << 10;

// Converts `bytes` of numbers of type T.
template <typename T>
void ConvertNumbers(absl::Span<const uint8_t> bytes, absl::Span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    T number;
    std::memcpy(&number, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<float>(number);
  }
}

// Converts whole blocks; false if the type can't be.
bool Convert(TensorType type, absl::Span<const uint8_t> bytes,
             absl::Span<float> out) {
  switch (type) {
    case TensorType::kF32:
      ConvertNumbers<float>(bytes, out);
      return true;
    case TensorType::kF64:
      ConvertNumbers<double>(bytes, out);
      return true;
    case TensorType::kI8:
      ConvertNumbers<int8_t>(bytes, out);
      return true;
    case TensorType::kI16:
      ConvertNumbers<int16_t>(bytes, out);
      return true;
    case TensorType::kI32:
      ConvertNumbers<int32_t>(bytes, out);
      return true;
    case TensorType::kI64:
      ConvertNumbers<int64_t>(bytes, out);
      return true;
    default:
      if (!quant::CanDequantize(type)) return false;
      quant::DequantizeRows(type, bytes, out.size(), out);
      return true;
  }
}

std::string FileName(absl::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GgufSource>> GgufSource::Open(
    absl::string_view path) {
  absl::StatusOr<std::unique_ptr<gguf::FileSet>> model =
      gguf::FileSet::Open(path);
  if (!model.ok()) return model.status();
  return std::unique_ptr<GgufSource>(new GgufSource(*std::move(model)));
}

GgufSource::GgufSource(std::unique_ptr<gguf::FileSet> model)
    : model_(std::move(model)) {
  for (size_t i = 0; i < model_->tensors().size(); ++i) {
    const gguf::TensorInfo& info = model_->tensors()[i];
    const gguf::FileSet::Location where = model_->location(i);
    const gguf::File& file = model_->file(where.file);
    SourceTensor tensor;
    tensor.name = info.name;
    tensor.file = FileName(file.path());
    tensor.dtype = gguf::Traits(info.type).name;
    tensor.shape.assign(info.shape.rbegin(), info.shape.rend());
    tensor.bytes = file.placement(where.tensor).bytes;
    tensors_.push_back(std::move(tensor));
  }
}

std::vector<SourceFile> GgufSource::files() const {
  std::vector<SourceFile> files;
  for (size_t i = 0; i < model_->file_count(); ++i) {
    const gguf::File& file = model_->file(i);
    files.push_back(MakeSourceFile(file.path(), file.info()));
  }
  return files;
}

absl::Status GgufSource::Read(size_t tensor, uint64_t first,
                              absl::Span<float> out) const {
  const SourceTensor& info = tensors_[tensor];
  const gguf::TensorTypeTraits& traits =
      gguf::Traits(model_->tensors()[tensor].type);
  if (first % traits.block_size != 0 || out.size() % traits.block_size != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        info.file, ": tensor '", info.name, "': ", out.size(), " weights from ",
        first, " on are no whole blocks of ", traits.name));
  }
  const uint64_t elements = info.elements();
  if (first > elements || out.size() > elements - first) {
    return absl::OutOfRangeError(absl::StrCat(
        info.file, ": tensor '", info.name, "' has ", elements, " weights; ",
        out.size(), " from ", first, " on lie outside"));
  }
  uint64_t offset = first / traits.block_size * traits.block_bytes;
  uint8_t buffer[kBufferBytes];
  const size_t step = kBufferBytes / traits.block_bytes * traits.block_size;
  while (!out.empty()) {
    const size_t count = std::min(step, out.size());
    const auto bytes =
        absl::MakeSpan(buffer, count / traits.block_size * traits.block_bytes);
    absl::Status status = model_->ReadTensorBytes(tensor, offset, bytes);
    if (!status.ok()) return status;
    if (!Convert(traits.type, bytes, out.subspan(0, count))) {
      return absl::UnimplementedError(
          absl::StrCat(info.file, ": tensor '", info.name, "' is stored as ",
                       traits.name, ", which can't be dequantized"));
    }
    offset += bytes.size();
    out.remove_prefix(count);
  }
  return absl::OkStatus();
}

void GgufSource::Prefetch(size_t tensor, uint64_t first, uint64_t count) const {
  const gguf::TensorTypeTraits& traits =
      gguf::Traits(model_->tensors()[tensor].type);
  const uint64_t begin = first / traits.block_size;
  const uint64_t end =
      (first + count + traits.block_size - 1) / traits.block_size;
  model_->PrefetchTensorBytes(tensor, begin * traits.block_bytes,
                              (end - begin) * traits.block_bytes);
}

absl::StatusOr<ModelPlan> PlanGguf(const GgufSource& source) {
  constexpr absl::string_view kArchitectureKey = "general.architecture";
  ModelPlan plan;
  plan.metadata = source.model().metadata();
  const auto* architecture =
      plan.metadata.FindAs<std::string>(kArchitectureKey);
  if (architecture == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.model().file(0).path(), ": no key '",
                     kArchitectureKey, "': this is not a model"));
  }
  plan.architecture = *architecture;
  if (plan.metadata.Find(gguf::kFileTypeKey) != nullptr) {
    plan.metadata.Set(gguf::kFileTypeKey, uint32_t{0});
  }
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    const gguf::TensorInfo& info = source.model().tensors()[i];
    TensorPlan tensor;
    tensor.name = info.name;
    tensor.shape = info.shape;
    tensor.stored_type = info.type;
    tensor.precision =
        info.type == TensorType::kF32 ? Precision::kF32 : Precision::kFileType;
    tensor.parts.push_back({TensorView::Of(i, source.tensors()[i].shape), {}});
    plan.tensors.push_back(std::move(tensor));
  }
  return plan;
}

}  // namespace converters
