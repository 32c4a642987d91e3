// File: quant/file_type.h
//
// File types: what --quants names and general.file_type records.

#ifndef QUANT_FILE_TYPE_H_
#define QUANT_FILE_TYPE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/tensor_type.h"

namespace quant {

// The values of general.file_type (llama.cpp's `enum llama_ftype`).
enum FileTypeNumber : uint32_t {
  kFileF32 = 0,
  kFileF16 = 1,
  kFileQ4_0 = 2,
  kFileQ4_1 = 3,
  kFileQ8_0 = 7,
  kFileQ5_0 = 8,
  kFileQ5_1 = 9,
  kFileQ2_K = 10,
  kFileQ3_K_S = 11,
  kFileQ3_K_M = 12,
  kFileQ3_K_L = 13,
  kFileQ4_K_S = 14,
  kFileQ4_K_M = 15,
  kFileQ5_K_S = 16,
  kFileQ5_K_M = 17,
  kFileQ6_K = 18,
  kFileQ2_K_S = 21,
  kFileIQ4_NL = 25,
  kFileIQ4_XS = 30,
  kFileBF16 = 32,
  kFileTQ1_0 = 36,
  kFileTQ2_0 = 37,
  kFileMXFP4_MOE = 38,
  kFileNVFP4 = 39,
  kFileQ1_0 = 40,
  kFileQ2_0 = 41,
};

struct FileType {
  absl::string_view name;         // "Q4_K_M"
  uint32_t number;                // 15, a FileTypeNumber
  gguf::TensorType base;          // Q4_K: what most tensors get
  absl::string_view description;  // one line for --list_types
};

// All file types that ChooseTypes knows, from large to small.
absl::Span<const FileType> AllFileTypes();

// Other names of file types, such as Q4_K for Q4_K_M.
struct FileTypeAlias {
  absl::string_view name;
  absl::string_view means;
};
absl::Span<const FileTypeAlias> FileTypeAliases();

// By name in any case, aliases included; null if unknown. The result lives
// forever.
const FileType* FindFileType(absl::string_view name);

// By the value of general.file_type; null if unknown.
const FileType* FindFileType(uint32_t number);

}  // namespace quant

#endif  // QUANT_FILE_TYPE_H_
