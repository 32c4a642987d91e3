// File: quant/mix.h
//
// A file type such as Q4_K_M is a mix: a rule that gives each tensor of a
// model its tensor type. The rules are llama.cpp 0.7.0's (llama-quantize),
// including what rows that do not divide into blocks fall back to.

#ifndef QUANT_MIX_H_
#define QUANT_MIX_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"

namespace quant {

// A file type: what --quants names. `number` is the value of
// general.file_type.
struct FileType {
  absl::string_view name;          // "Q4_K_M"
  uint32_t number;                 // 15
  gguf::TensorType base;           // Q4_K: what most tensors get
  absl::string_view description;   // one line for --list_types
};

// All file types that ChooseTypes knows, in the order to list them.
absl::Span<const FileType> AllFileTypes();

// By name in any case, aliases included (Q4_K means Q4_K_M); null if unknown.
const FileType* FindFileType(absl::string_view name);

// What the rules ask of the model besides its tensors.
struct ModelFacts {
  std::string architecture;  // general.architecture: "llama"
  uint64_t block_count = 0;
  uint64_t head_count = 0;
  uint64_t head_count_kv = 0;
  uint64_t expert_count = 0;
};

struct MixOverrides {
  std::optional<gguf::TensorType> output_tensor_type;
  std::optional<gguf::TensorType> token_embedding_type;
  // Regular expressions searched in tensor names; the first match wins.
  std::vector<std::pair<std::string, gguf::TensorType>> tensor_types;
  // Every quantizable tensor gets the base type.
  bool pure = false;
  // Leave output.weight as it is in the intermediate.
  bool leave_output_tensor = false;
};

struct TensorChoice {
  gguf::TensorType type;
  // The type that the mix wanted, where its block size does not divide the
  // rows and `type` is the fallback.
  std::optional<gguf::TensorType> fallback_from;
};

// The type of each tensor, in the order of `tensors`, which must be the
// quantizer's output order (some rules count the tensors seen so far). The
// tensors' own types are those of the intermediate (F16 or F32) and are kept
// for tensors that are not quantized.
// Errors: InvalidArgument for a bad regular expression or a name listed twice.
absl::StatusOr<std::vector<TensorChoice>> ChooseTypes(
    const FileType& file_type, const ModelFacts& facts,
    absl::Span<const gguf::TensorInfo> tensors, const MixOverrides& overrides);

}  // namespace quant

#endif  // QUANT_MIX_H_
