#include "converters/plan_builder.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "converters/converter.h"
#include "converters/general_metadata.h"
#include "converters/model_name.h"
#include "converters/model_plan.h"
#include "gguf/metadata.h"

namespace converters {
namespace {

// GGUF's number for the quantization formats of today.
constexpr uint32_t kQuantizationVersion = 2;

constexpr absl::string_view kEmbedding = "token_embd.weight";

ParameterCount CountParameters(const std::vector<TensorPlan>& tensors) {
  ParameterCount count;
  uint64_t stacked_experts = 0, stacks = 0;
  for (const TensorPlan& tensor : tensors) {
    const uint64_t elements = tensor.elements();
    count.total += elements;
    if (absl::StrContains(tensor.name, "_exps.") && tensor.shape.size() >= 3) {
      count.expert += elements / tensor.shape[2];
      stacked_experts += tensor.shape[2];
      ++stacks;
    } else {
      count.shared += elements;
    }
  }
  if (stacks > 0) count.experts = stacked_experts / stacks;
  return count;
}

// The last component of the directory's path, whatever its spelling.
std::string DirectoryName(const std::string& directory) {
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(directory, error);
  if (error) path = directory;
  path = path.lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // it ended in a slash
  return path.filename().string();
}

absl::Status CheckVocabulary(const PlanParts& parts) {
  const gguf::Array* tokens =
      parts.vocabulary.FindAs<gguf::Array>("tokenizer.ggml.tokens");
  if (tokens == nullptr) return absl::OkStatus();
  for (const TensorPlan& tensor : parts.tensors) {
    if (tensor.name != kEmbedding || tensor.shape[1] == tokens->size()) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "the tokenizer has ", tokens->size(), " tokens, but the embedding (",
        kEmbedding, ") has ", tensor.shape[1],
        " rows; config.json's vocab_size should say that number"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelPlan> BuildPlan(const ConversionInput& input,
                                    PlanParts parts) {
  const absl::Status fits = CheckVocabulary(parts);
  if (!fits.ok()) return fits;
  ModelPlan plan;
  plan.architecture = std::string(parts.architecture);
  plan.warnings = std::move(parts.warnings);
  plan.metadata.Set("general.architecture", plan.architecture);
  plan.metadata.Set("general.type", std::string("model"));
  plan.metadata.Append(GeneralMetadata(
      {.directory = input.directory,
       .model_name =
           input.options.model_name.value_or(DirectoryName(input.directory)),
       .config = input.config,
       .parameters = CountParameters(parts.tensors)},
      plan.warnings));
  plan.metadata.Append(parts.parameters);
  plan.metadata.Set("general.quantization_version", kQuantizationVersion);
  plan.metadata.Append(parts.vocabulary);
  plan.tensors = std::move(parts.tensors);
  return plan;
}

}  // namespace converters
