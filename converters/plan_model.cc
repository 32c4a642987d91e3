#include "converters/plan_model.h"

#include <algorithm>
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
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/general_metadata.h"
#include "converters/model_name.h"
#include "converters/model_plan.h"
#include "converters/registry.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"

namespace converters {
namespace {

// GGUF's number for the quantization formats of today.
constexpr uint32_t kQuantizationVersion = 2;

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

const TensorPlan* FindTensor(const std::vector<TensorPlan>& tensors,
                             absl::string_view name) {
  const auto it =
      std::find_if(tensors.begin(), tensors.end(),
                   [name](const TensorPlan& t) { return t.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

absl::Status CheckVocabulary(const gguf::Metadata& vocabulary,
                             const std::vector<TensorPlan>& tensors) {
  const gguf::Array* tokens =
      vocabulary.FindAs<gguf::Array>("tokenizer.ggml.tokens");
  const TensorPlan* embedding = FindTensor(tensors, "token_embd.weight");
  if (tokens == nullptr || embedding == nullptr ||
      embedding->shape[1] == tokens->size()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the tokenizer has ", tokens->size(),
                   " tokens, but the embedding has ", embedding->shape[1],
                   " rows; config.json's vocab_size should say that number"));
}

// Quantized checkpoints have other tensors than the architecture says.
absl::Status ExplainQuantized(const Config& config, const absl::Status& error) {
  if (config.Find({"quantization_config"}) == nullptr) return error;
  return absl::Status(
      error.code(),
      absl::StrCat(error.message(),
                   "; config.json has a quantization_config: where the weights "
                   "are quantized, convert the original checkpoint instead"));
}

std::vector<Warning> Warnings(const Config& config,
                              const std::vector<TensorPlan>& tensors) {
  std::vector<Warning> warnings;
  const auto tied = config.BoolOr({"tie_word_embeddings"}, true);
  if (tied.ok() && !*tied && FindTensor(tensors, "output.weight") == nullptr) {
    warnings.push_back(
        {"tied-head-differs",
         "by config.json the head is not tied to the embedding, but the "
         "checkpoint has no head: the embedding will be used"});
  }
  return warnings;
}

}  // namespace

absl::StatusOr<ModelPlan> PlanModel(const Architecture& architecture,
                                    const ConversionInput& input) {
  ASSIGN_OR_RETURN(const Config config,
                   Config::Make(*input.config, AllConfigClasses()));
  Model model(architecture.name, input);
  model.name =
      input.options.model_name.value_or(DirectoryName(input.directory));
  RETURN_IF_ERROR(architecture.describe(config, model));
  ModelPlan plan;
  plan.architecture = model.architecture;
  plan.warnings = std::move(model.warnings);
  absl::StatusOr<std::vector<TensorPlan>> tensors =
      model.tensors.Plan(model.architecture, plan.warnings);
  if (!tensors.ok()) return ExplainQuantized(config, tensors.status());
  plan.tensors = *std::move(tensors);
  RETURN_IF_ERROR(CheckReadable(plan.tensors, *input.source));
  ASSIGN_OR_RETURN(
      const gguf::Metadata vocabulary,
      vocab::LoadVocabulary(model.vocabulary,
                            {.directory = input.directory,
                             .config = input.config,
                             .pre_tokenizer = input.options.pre_tokenizer,
                             .warnings = &plan.warnings}));
  RETURN_IF_ERROR(CheckVocabulary(vocabulary, plan.tensors));
  for (Warning& warning : Warnings(config, plan.tensors)) {
    plan.warnings.push_back(std::move(warning));
  }

  plan.metadata.Set("general.architecture", plan.architecture);
  plan.metadata.Append(model.first_keys);
  plan.metadata.Set("general.type", std::string("model"));
  plan.metadata.Append(
      GeneralMetadata({.directory = input.directory,
                       .model_name = model.name,
                       .config = input.config,
                       .parameters = CountParameters(plan.tensors)},
                      plan.warnings));
  plan.metadata.Append(model.keys);
  plan.metadata.Set("general.quantization_version", kQuantizationVersion);
  plan.metadata.Append(vocabulary);
  return plan;
}

}  // namespace converters
