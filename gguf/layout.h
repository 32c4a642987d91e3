// File: gguf/layout.h
//
// Where everything of a GGUF v3 file lies, computed without writing anything:
// a dry run, a size check and the writer all ask here.
//
// A file is, in little endian:
//   magic "GGUF", u32 version, u64 tensor count, u64 key count,
//   each key-value: string key, u32 type, value; an array's value is
//     u32 element type, u64 count, elements; a string is u64 length, bytes,
//   each tensor: string name, u32 dimensions, u64 each dimension (contiguous
//     first), u32 type, u64 offset from the start of the data,
//   zeros up to the next multiple of the alignment: here the data starts,
//   each tensor's data, followed by zeros up to a multiple of the alignment,
//     the last one's too.
// The alignment is general.alignment (UINT32, a power of two up to 65536), 32
// if absent.

#ifndef GGUF_LAYOUT_H_
#define GGUF_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"

namespace gguf {

inline constexpr absl::string_view kMagic = "GGUF";
inline constexpr uint32_t kVersion = 3;
inline constexpr absl::string_view kAlignmentKey = "general.alignment";
inline constexpr uint64_t kDefaultAlignment = 32;
// Files have 32; padding up to this much is held in memory.
inline constexpr uint64_t kMaxAlignment = 64 << 10;
inline constexpr size_t kMaxDimensions = 4;
// Readers based on ggml hold a name in 64 bytes, with a final zero.
inline constexpr size_t kMaxTensorNameBytes = 63;
// Arrays of arrays of … deeper than this are refused, read or written.
inline constexpr int kMaxArrayDepth = 4;

struct TensorPlacement {
  uint64_t offset = 0;  // from the start of the data, a multiple of alignment
  uint64_t bytes = 0;   // without padding
};

struct Layout {
  // The file up to the data, padding included. It holds the vocabulary, so it
  // may take tens of megabytes.
  std::vector<uint8_t> header;
  uint64_t header_size = 0;
  uint64_t alignment = kDefaultAlignment;
  std::vector<TensorPlacement> tensors;  // in the order they were given
  uint64_t file_size = 0;

  // Where the data starts in the file.
  uint64_t data_offset() const { return header_size; }
  // Where tensor number `tensor` starts in the file.
  uint64_t FileOffset(size_t tensor) const {
    return data_offset() + tensors[tensor].offset;
  }
  // Frees `header` once it is of no more use; all else stays as it is.
  void ReleaseHeader() { std::vector<uint8_t>().swap(header); }
};

// Lays out a file with these contents in this order.
// Errors: InvalidArgument, naming the key or tensor, for an empty or repeated
// key or name, a name over 63 bytes, a bad general.alignment, arrays nested
// too deep, a shape of other than 1 to 4 dimensions, a dimension of 0, rows
// that are no whole number of blocks, and sizes beyond 2^63 - 1.
absl::StatusOr<Layout> PlanLayout(const Metadata& metadata,
                                  absl::Span<const TensorInfo> tensors);

// The alignment that `metadata` asks for.
// Errors: InvalidArgument if the key has another type than UINT32 or its value
// is no power of two up to kMaxAlignment.
absl::StatusOr<uint64_t> AlignmentOf(const Metadata& metadata);

// `size` rounded up to a multiple of `alignment`, a power of two; nullopt if
// that does not fit 63 bits.
std::optional<uint64_t> PaddedSize(uint64_t size, uint64_t alignment);

// Weights in a tensor, and bytes of its data.
// Errors: InvalidArgument as for PlanLayout, naming the tensor.
absl::StatusOr<uint64_t> ElementCount(const TensorInfo& tensor);
absl::StatusOr<uint64_t> TensorBytes(const TensorInfo& tensor);

// "[4096, 32000]", for messages.
std::string ShapeString(absl::Span<const uint64_t> shape);

}  // namespace gguf

#endif  // GGUF_LAYOUT_H_
