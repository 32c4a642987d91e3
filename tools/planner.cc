#include "tools/planner.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "quant/model_facts.h"
#include "quant/quantize.h"
#include "quant/quantizer_output.h"

namespace make_gguf {
namespace {

using converters::ModelPlan;
using converters::Precision;
using converters::TensorPlan;
using gguf::TensorType;

constexpr char kFileTypeKey[] = "general.file_type";

TensorType ConvertedType(const TensorPlan& tensor, TensorType file_type) {
  return tensor.precision == Precision::kF32 ? TensorType::kF32 : file_type;
}

std::vector<OutputTensor> ConvertedTensors(const ModelPlan& model,
                                           const quant::FileType& file_type) {
  std::vector<OutputTensor> tensors(model.tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    tensors[i].tensor = i;
    tensors[i].type = ConvertedType(model.tensors[i], file_type.base);
  }
  return tensors;
}

// The intermediate's type for a tensor: that of a GGUF source, or what the
// converter would make.
TensorType IntermediateType(const TensorPlan& tensor,
                            Intermediate intermediate) {
  if (tensor.stored_type.has_value()) return *tensor.stored_type;
  return ConvertedType(tensor, intermediate == Intermediate::F32
                                   ? TensorType::kF32
                                   : TensorType::kF16);
}

absl::Status CheckQuantizable(const quant::FileType& file_type,
                              const TensorPlan& tensor, TensorType type) {
  if (quant::CanQuantize(type) || tensor.stored_type == type) {
    return absl::OkStatus();
  }
  return absl::UnimplementedError(absl::StrCat(
      file_type.name, ": tensor '", tensor.name, "' would be ",
      gguf::Traits(type).name, ", which this program can't make yet"));
}

// Some types give garbage without importance weights. All tensors that lack
// them are named at once.
absl::Status CheckImportance(const quant::FileType& file_type,
                             const ModelPlan& model,
                             absl::Span<const OutputTensor> tensors,
                             const PlanOptions& options) {
  std::vector<std::string> missing;
  for (const OutputTensor& tensor : tensors) {
    const std::string& name = model.tensors[tensor.tensor].name;
    if (quant::RequiresImportance(file_type, name, tensor.type) &&
        !options.has_importance(tensor.tensor)) {
      missing.push_back(name);
    }
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      file_type.name, " needs an importance matrix (--imatrix) with these ",
      "tensors: ", absl::StrJoin(missing, ", ")));
}

absl::StatusOr<std::vector<OutputTensor>> QuantizedTensors(
    const ModelPlan& model, const quant::FileType& file_type,
    const PlanOptions& options) {
  std::vector<std::string> names;
  for (const TensorPlan& tensor : model.tensors) names.push_back(tensor.name);
  const std::vector<size_t> order = quant::QuantizerOrder(names);
  std::vector<gguf::TensorInfo> infos;
  infos.reserve(order.size());
  for (size_t index : order) {
    const TensorPlan& tensor = model.tensors[index];
    infos.push_back({tensor.name,
                     IntermediateType(tensor, options.intermediate),
                     quant::QuantizerShape(tensor.shape)});
  }
  absl::StatusOr<std::vector<quant::TensorChoice>> choices = quant::ChooseTypes(
      file_type, quant::FactsFromMetadata(model.metadata), infos, options.mix);
  if (!choices.ok()) return choices.status();
  std::vector<OutputTensor> tensors(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    tensors[i].tensor = order[i];
    tensors[i].type = (*choices)[i].type;
    tensors[i].rounded = infos[i].type == TensorType::kF16;
    tensors[i].fallback_from = (*choices)[i].fallback_from;
    absl::Status status =
        CheckQuantizable(file_type, model.tensors[order[i]], tensors[i].type);
    if (!status.ok()) return status;
  }
  absl::Status status = CheckImportance(file_type, model, tensors, options);
  if (!status.ok()) return status;
  return tensors;
}

}  // namespace

bool IsUnquantized(const quant::FileType& file_type) {
  return file_type.base == TensorType::kF32 ||
         file_type.base == TensorType::kF16 ||
         file_type.base == TensorType::kBF16;
}

gguf::Metadata OutputMetadata(const ModelPlan& model,
                              const quant::FileType& file_type,
                              const PlanOptions& options) {
  gguf::Metadata metadata = model.metadata;
  if (IsUnquantized(file_type)) {
    if (metadata.Find(kFileTypeKey) != nullptr) {
      metadata.Set(kFileTypeKey, file_type.number);
    }
    return metadata;
  }
  quant::EditLikeQuantizer(file_type, metadata);
  metadata.Append(options.quantized_metadata);
  return metadata;
}

std::vector<gguf::TensorInfo> OutputTensorInfos(const ModelPlan& model,
                                                const OutputPlan& output) {
  std::vector<gguf::TensorInfo> infos;
  infos.reserve(output.tensors.size());
  const bool quantized = !IsUnquantized(*output.file_type);
  for (const OutputTensor& tensor : output.tensors) {
    const TensorPlan& plan = model.tensors[tensor.tensor];
    infos.push_back(
        {plan.name, tensor.type,
         quantized ? quant::QuantizerShape(plan.shape) : plan.shape});
  }
  return infos;
}

absl::StatusOr<OutputPlan> PlanOutput(const ModelPlan& model,
                                      const quant::FileType& file_type,
                                      const PlanOptions& options,
                                      absl::string_view path) {
  OutputPlan output;
  output.file_type = &file_type;
  output.path = std::string(path);
  if (IsUnquantized(file_type)) {
    output.tensors = ConvertedTensors(model, file_type);
  } else {
    absl::StatusOr<std::vector<OutputTensor>> tensors =
        QuantizedTensors(model, file_type, options);
    if (!tensors.ok()) return tensors.status();
    output.tensors = *std::move(tensors);
  }
  absl::StatusOr<gguf::Layout> layout =
      gguf::PlanLayout(OutputMetadata(model, file_type, options),
                       OutputTensorInfos(model, output));
  if (!layout.ok()) return layout.status();
  output.layout = *std::move(layout);
  for (size_t i = 0; i < output.tensors.size(); ++i) {
    output.weights += model.tensors[output.tensors[i].tensor].elements();
    output.data_bytes += output.layout.tensors[i].bytes;
  }
  return output;
}

}  // namespace make_gguf
