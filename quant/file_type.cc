#include "quant/file_type.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/tensor_type.h"

namespace quant {
namespace {

using T = gguf::TensorType;

constexpr FileType kFileTypes[] = {
    {"F32", kFileF32, T::kF32, "32 bits per weight, nothing lost"},
    {"F16", kFileF16, T::kF16, "16 bits, half precision"},
    {"BF16", kFileBF16, T::kBF16, "16 bits, the range of F32"},
    {"Q8_0", kFileQ8_0, T::kQ8_0, "8.5 bits, close to lossless"},
    {"Q6_K", kFileQ6_K, T::kQ6_K, "6.6 bits, hardly any loss"},
    {"Q5_K_M", kFileQ5_K_M, T::kQ5_K, "5.7 bits, very small loss; recommended"},
    {"Q5_K_S", kFileQ5_K_S, T::kQ5_K, "5.5 bits, small loss; recommended"},
    {"Q5_1", kFileQ5_1, T::kQ5_1, "6 bits, legacy; prefer Q5_K_M"},
    {"Q5_0", kFileQ5_0, T::kQ5_0, "5.5 bits, legacy; prefer Q5_K_S"},
    {"Q4_K_M", kFileQ4_K_M, T::kQ4_K, "4.8 bits, balanced; recommended"},
    {"Q4_K_S", kFileQ4_K_S, T::kQ4_K, "4.6 bits, more loss"},
    {"IQ4_NL", kFileIQ4_NL, T::kIQ4_NL, "4.5 bits, non-linear levels"},
    {"IQ4_XS", kFileIQ4_XS, T::kIQ4_XS, "4.3 bits, non-linear levels"},
    {"Q4_1", kFileQ4_1, T::kQ4_1, "5 bits, legacy; prefer Q4_K_M"},
    {"Q4_0", kFileQ4_0, T::kQ4_0, "4.5 bits, legacy; prefer Q4_K_S"},
    {"NVFP4", kFileNVFP4, T::kNVFP4, "4.5 bits, 4-bit floats in groups of 16"},
    {"MXFP4_MOE", kFileMXFP4_MOE, T::kMXFP4,
     "4.3 bits for expert tensors, Q8_0 for the others"},
    {"Q3_K_L", kFileQ3_K_L, T::kQ3_K, "4.2 bits, high loss"},
    {"Q3_K_M", kFileQ3_K_M, T::kQ3_K, "3.9 bits, high loss"},
    {"Q3_K_S", kFileQ3_K_S, T::kQ3_K, "3.5 bits, very high loss"},
    {"Q2_K", kFileQ2_K, T::kQ2_K, "3.1 bits, extreme loss"},
    {"Q2_K_S", kFileQ2_K_S, T::kQ2_K,
     "2.8 bits, extreme loss; needs an importance matrix"},
    {"Q2_0", kFileQ2_0, T::kQ2_0, "2.3 bits, for models trained to it"},
    {"TQ2_0", kFileTQ2_0, T::kTQ2_0, "2.1 bits, for ternary models"},
    {"TQ1_0", kFileTQ1_0, T::kTQ1_0, "1.7 bits, for ternary models"},
    {"Q1_0", kFileQ1_0, T::kQ1_0, "1.1 bits, for models trained to it"},
};

constexpr FileTypeAlias kAliases[] = {
    {"Q3_K", "Q3_K_M"},
    {"Q4_K", "Q4_K_M"},
    {"Q5_K", "Q5_K_M"},
};

}  // namespace

absl::Span<const FileType> AllFileTypes() { return kFileTypes; }

absl::Span<const FileTypeAlias> FileTypeAliases() { return kAliases; }

const FileType* FindFileType(absl::string_view name) {
  for (const FileTypeAlias& alias : kAliases) {
    if (absl::EqualsIgnoreCase(alias.name, name)) name = alias.means;
  }
  for (const FileType& type : kFileTypes) {
    if (absl::EqualsIgnoreCase(type.name, name)) return &type;
  }
  return nullptr;
}

const FileType* FindFileType(uint32_t number) {
  for (const FileType& type : kFileTypes) {
    if (type.number == number) return &type;
  }
  return nullptr;
}

}  // namespace quant
