// File: gguf/header_parser.h
//
// Reads what stands before the data of a GGUF file (see layout.h): counts,
// metadata and tensor infos. Each length and count is checked, before anything
// of its size is allocated, against the bytes that are left and against the
// memory that headers may take, whatever the file says.

#ifndef GGUF_HEADER_PARSER_H_
#define GGUF_HEADER_PARSER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"

namespace gguf {

// The largest vocabularies make headers of some tens of megabytes.
inline constexpr uint64_t kMaxHeaderBytes = uint64_t{256} << 20;
// In memory the short takes more than in the file: an empty string 32 bytes for
// 8. A million tokens and as many merges take 100 MiB.
inline constexpr uint64_t kMaxHeaderMemory = uint64_t{128} << 20;
inline constexpr uint64_t kMaxKeyBytes = 65535;

struct Header {
  uint32_t version = 0;
  Metadata metadata;
  std::vector<TensorInfo> tensors;
  std::vector<uint64_t> offsets;  // of the tensors' data, as the file says
  uint64_t size = 0;              // bytes up to the padding before the data
};

// Reads version 2 and 3 headers, which differ in nothing but the number.
// Checked here: magic, version, counts, lengths, value types, booleans (0 or
// 1), array depth, keys and names (not empty, no control characters, not
// repeated), dimensions, tensor types, rows that are whole blocks, sizes that
// fit. Offsets are left to the caller.
// Errors, naming file, key or tensor, what was found and what was expected:
// InvalidArgument if it is no GGUF file; Unimplemented for a version or byte
// order that is not read; DataLoss for everything else.
absl::StatusOr<Header> ParseHeader(const base::InputFile& file);

}  // namespace gguf

#endif  // GGUF_HEADER_PARSER_H_
