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
#include "quant/file_type.h"

namespace quant {

// What the rules ask of the model besides its tensors. FactsFromMetadata
// (model_facts.h) fills it in.
struct ModelFacts {
  std::string architecture;  // general.architecture: "llama"
  uint64_t block_count = 0;
  uint64_t head_count = 0;  // where blocks differ: the first one's
  uint64_t head_count_kv = 0;
  uint64_t expert_count = 0;
};

struct MixOverrides {
  // For output.weight, and for token_embd.weight where it stands for both.
  std::optional<gguf::TensorType> output_tensor_type;
  std::optional<gguf::TensorType> token_embedding_type;
  // Regular expressions (ECMAScript), searched in tensor names; the first
  // match wins. Upper case letters in them count as lower case ones. They have
  // no effect on F32, F16 and BF16 files.
  std::vector<std::pair<std::string, gguf::TensorType>> tensor_types;
  // Every quantizable tensor gets the base type.
  bool pure = false;
  // Leave output.weight as it is in the intermediate.
  bool leave_output_tensor = false;
  // Whether the job has an importance matrix: some rules then use fewer bits,
  // others more.
  bool has_importance = false;
};

struct TensorChoice {
  gguf::TensorType type;
  // The type that the mix wanted, where its block size does not divide the
  // rows and `type` is the fallback.
  std::optional<gguf::TensorType> fallback_from;

  bool operator==(const TensorChoice&) const = default;
};

// The type of each tensor, in the order of `tensors`, which must be the
// quantizer's output order (quantizer_output.h; some rules count the tensors
// seen so far). The tensors' own types are those of the intermediate (F16 or
// F32) and are kept for tensors that are not quantized: those of one dimension,
// norms, router inputs, position embeddings and the like.
// Errors, naming the tensor: InvalidArgument for a bad regular expression, a
// name listed twice, a type that can't store the rows and has no fallback, an
// expert tensor that is in no block.
absl::StatusOr<std::vector<TensorChoice>> ChooseTypes(
    const FileType& file_type, const ModelFacts& facts,
    absl::Span<const gguf::TensorInfo> tensors, const MixOverrides& overrides);

// Whether a tensor of this name that a file of this type stores as `type` must
// not be quantized without importance weights.
bool RequiresImportance(const FileType& file_type, absl::string_view tensor,
                        gguf::TensorType type);

}  // namespace quant

#endif  // QUANT_MIX_H_
