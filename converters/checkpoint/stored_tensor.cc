#include "converters/checkpoint/stored_tensor.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/to_float.h"
#include "converters/gather.h"
#include "converters/tensor_source.h"
#include "converters/tensor_view.h"

namespace checkpoint {
namespace {

using ::converters::SourceTensor;

// The most elements of a tensor that is not stored row-major, whose number the
// file's size does not bound: a stride of 0 makes any number of elements of
// one. 32 GiB as floats, more than any weight.
constexpr uint64_t kMaxStridedElements = uint64_t{1} << 33;

// Bytes that are read before they are converted: few enough to stay in the
// caches, many enough to make the system call cheap.
constexpr size_t kBufferBytes = 64 << 10;

absl::Status TensorError(const StoredTensor& tensor, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(
      base::Printable(tensor.file), ": tensor ", base::Printable(tensor.name),
      " (", ElementTypeName(tensor.type), ", shape [",
      absl::StrJoin(tensor.shape, ", "), "]) ", what));
}

bool IsRowMajor(const StoredTensor& tensor) {
  if (tensor.strides.empty()) return true;
  uint64_t expected = 1;
  for (size_t d = tensor.shape.size(); d-- > 0;) {
    if (tensor.shape[d] == 1) continue;
    if (tensor.strides[d] != expected) return false;
    expected *= tensor.shape[d];
  }
  return true;
}

// The largest number of bytes, so that sums and differences fit 64 bits.
constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();

// The product of the extents, or nullopt if it exceeds `limit`.
std::optional<uint64_t> Elements(const StoredTensor& tensor, uint64_t limit) {
  if (absl::c_linear_search(tensor.shape, 0)) return 0;
  absl::uint128 elements = 1;
  for (uint64_t extent : tensor.shape) {
    elements *= extent;
    if (elements > limit) return std::nullopt;
  }
  return absl::Uint128Low64(elements);
}

// How many elements lie from the tensor's first to its last in the file, or
// nullopt if more than `limit`. Requires that it has elements.
std::optional<uint64_t> ElementSpan(const StoredTensor& tensor,
                                    uint64_t limit) {
  if (tensor.strides.empty()) return Elements(tensor, limit);
  absl::uint128 last = 0;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    last += absl::uint128(tensor.shape[d] - 1) * tensor.strides[d];
    if (last >= limit) return std::nullopt;
  }
  return absl::Uint128Low64(last) + 1;
}

SourceTensor Describe(const StoredTensor& stored) {
  SourceTensor tensor;
  tensor.name = stored.name;
  tensor.file = stored.file;
  tensor.shape = stored.shape;
  tensor.unreadable = stored.unreadable;
  if (stored.unreadable.empty()) {
    tensor.dtype = ElementTypeName(stored.type);
    tensor.bytes = tensor.elements() * ElementSize(stored.type);
  } else {
    tensor.dtype = stored.foreign_type;
    tensor.bytes = stored.foreign_bytes;
  }
  return tensor;
}

std::vector<converters::TensorView::Dim> StridesOf(const StoredTensor& tensor) {
  std::vector<converters::TensorView::Dim> dims;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    dims.push_back({tensor.shape[d], tensor.strides[d]});
  }
  return dims;
}

// Reads a run of what lies in the file through a buffer, or straight to its
// place.
absl::Status ReadRun(const StoredTensor& tensor, uint64_t first,
                     absl::Span<float> out) {
  const size_t size = ElementSize(tensor.type);
  uint64_t offset = tensor.offset + first * size;
  if (tensor.type == ElementType::kF32) {
    return tensor.data->ReadAt(
        offset, absl::MakeSpan(reinterpret_cast<char*>(out.data()),
                               out.size() * sizeof(float)));
  }
  alignas(64) char buffer[kBufferBytes];
  while (!out.empty()) {
    const size_t count = std::min(out.size(), kBufferBytes / size);
    const absl::Span<char> bytes(buffer, count * size);
    RETURN_IF_ERROR(tensor.data->ReadAt(offset, bytes));
    ToFloat(tensor.type, bytes, out.first(count));
    out.remove_prefix(count);
    offset += bytes.size();
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Normalize(StoredTensor& tensor) {
  const uint64_t size = ElementSize(tensor.type);
  if (!tensor.strides.empty() && tensor.strides.size() != tensor.shape.size()) {
    return TensorError(tensor, absl::StrCat("has ", tensor.strides.size(),
                                            " strides, not one per extent"));
  }
  const std::optional<uint64_t> elements = Elements(tensor, kMax / size);
  if (!elements.has_value()) return TensorError(tensor, "is too large");
  if (*elements == 0 || IsRowMajor(tensor)) tensor.strides.clear();
  if (!tensor.strides.empty() && *elements > kMaxStridedElements) {
    return TensorError(tensor, "repeats its elements too often");
  }
  const uint64_t file_size = tensor.data->size();
  const uint64_t room =
      tensor.offset <= file_size ? (file_size - tensor.offset) / size : 0;
  const bool fits = tensor.offset <= file_size &&
                    (*elements == 0 || ElementSpan(tensor, room).has_value());
  if (fits) return absl::OkStatus();
  return TensorError(
      tensor, absl::StrCat(
                  tensor.strides.empty()
                      ? ""
                      : absl::StrCat("with strides [",
                                     absl::StrJoin(tensor.strides, ", "), "] "),
                  "at byte ", tensor.offset, " reaches beyond the ", file_size,
                  " bytes of ", tensor.data->name()));
}

StoredTensorSource::StoredTensorSource(std::vector<StoredTensor> tensors)
    : stored_(std::move(tensors)) {
  tensors_.reserve(stored_.size());
  for (const StoredTensor& stored : stored_) {
    tensors_.push_back(Describe(stored));
  }
}

std::vector<converters::SourceFile> StoredTensorSource::files() const {
  std::vector<converters::SourceFile> files;
  absl::flat_hash_set<std::string> seen;
  for (const StoredTensor& tensor : stored_) {
    std::optional<converters::SourceFile> file = tensor.data->identity();
    if (file.has_value() && seen.insert(file->path).second) {
      files.push_back(*std::move(file));
    }
  }
  return files;
}

absl::Status StoredTensorSource::Read(size_t tensor, uint64_t first,
                                      absl::Span<float> out) const {
  const StoredTensor& stored = stored_[tensor];
  if (!stored.unreadable.empty()) {
    return absl::UnimplementedError(stored.unreadable);
  }
  const uint64_t elements = tensors_[tensor].elements();
  if (first > elements || out.size() > elements - first) {
    return absl::OutOfRangeError(absl::StrCat(
        stored.file, ": elements [", first, ", +", out.size(), ") of tensor ",
        base::Printable(stored.name), ", which has ", elements));
  }
  const auto read = [&stored](uint64_t begin, absl::Span<float> run) {
    return ReadRun(stored, begin, run);
  };
  absl::Status status =
      stored.strides.empty()
          ? read(first, out)
          : converters::Gather(0, StridesOf(stored), first, out, read);
  if (status.ok()) return status;
  return absl::Status(
      status.code(), absl::StrCat("tensor ", base::Printable(stored.name), ": ",
                                  status.message()));
}

void StoredTensorSource::Prefetch(size_t tensor, uint64_t first,
                                  uint64_t count) const {
  const StoredTensor& stored = stored_[tensor];
  // Those of a strided tensor lie all over the file.
  if (!stored.strides.empty() || !stored.unreadable.empty()) return;
  const uint64_t size = ElementSize(stored.type);
  stored.data->Prefetch(stored.offset + first * size, count * size);
}

}  // namespace checkpoint
