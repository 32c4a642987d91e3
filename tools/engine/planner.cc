#include "tools/engine/planner.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/digest.h"
#include "base/status_macros.h"
#include "quant/model_facts.h"
#include "quant/quantize.h"
#include "quant/quantizer_output.h"

namespace make_gguf {
namespace {

using converters::ModelPlan;
using converters::Precision;
using converters::TensorPlan;
using gguf::TensorType;

// F32, F16 and BF16 files of a checkpoint are what the converter alone makes,
// in its order and straight from the checkpoint.
bool MadeByConverter(const ModelPlan& model, const quant::FileType& file_type) {
  const bool from_gguf =
      !model.tensors.empty() && model.tensors.front().stored_type.has_value();
  return !from_gguf && (file_type.base == TensorType::kF32 ||
                        file_type.base == TensorType::kF16 ||
                        file_type.base == TensorType::kBF16);
}

bool IsQuantized(TensorType type) { return gguf::Traits(type).block_size > 1; }

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
        options.importance[tensor.tensor].empty()) {
      missing.push_back(name);
    }
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      file_type.name, " needs an importance matrix (--imatrix) with these ",
      "tensors: ", absl::StrJoin(missing, ", ")));
}

// Whether the types can be made at all.
absl::Status CheckTensors(const quant::FileType& file_type,
                          const ModelPlan& model,
                          absl::Span<const OutputTensor> tensors,
                          const PlanOptions& options) {
  for (const OutputTensor& tensor : tensors) {
    RETURN_IF_ERROR(
        CheckQuantizable(file_type, model.tensors[tensor.tensor], tensor.type));
  }
  return CheckImportance(file_type, model, tensors, options);
}

// What was quantized before has lost precision that another type can't bring
// back.
absl::Status CheckRequantized(const quant::FileType& file_type,
                              const ModelPlan& model,
                              absl::Span<const OutputTensor> tensors,
                              const PlanOptions& options) {
  if (options.allow_requantize) return absl::OkStatus();
  std::vector<std::string> requantized;
  for (const OutputTensor& tensor : tensors) {
    const TensorPlan& plan = model.tensors[tensor.tensor];
    if (!tensor.copied && plan.stored_type.has_value() &&
        IsQuantized(*plan.stored_type)) {
      requantized.push_back(absl::StrCat(
          plan.name, " (", gguf::Traits(*plan.stored_type).name, ")"));
    }
  }
  if (requantized.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      file_type.name, ": the source is quantized already; quantizing it again ",
      "loses precision and is done with --allow_requantize only: ",
      absl::StrJoin(requantized, ", ")));
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
    const TensorPlan& plan = model.tensors[order[i]];
    tensors[i].copied = plan.stored_type == tensors[i].type;
    tensors[i].rounded =
        infos[i].type == TensorType::kF16 && !plan.stored_type.has_value();
    tensors[i].fallback_from = (*choices)[i].fallback_from;
  }
  RETURN_IF_ERROR(CheckTensors(file_type, model, tensors, options));
  RETURN_IF_ERROR(CheckRequantized(file_type, model, tensors, options));
  return tensors;
}

gguf::Metadata WholeMetadata(const ModelPlan& model,
                             const quant::FileType& file_type,
                             const PlanOptions& options) {
  gguf::Metadata metadata = model.metadata;
  if (MadeByConverter(model, file_type)) {
    if (metadata.Find(gguf::kFileTypeKey) != nullptr) {
      metadata.Set(gguf::kFileTypeKey, file_type.number);
    }
    return metadata;
  }
  quant::EditLikeQuantizer(file_type, metadata);
  metadata.Append(options.quantized_metadata);
  return metadata;
}

// The output as if it were not split, without its layout.
absl::StatusOr<OutputPlan> WholeOutput(const ModelPlan& model,
                                       const quant::FileType& file_type,
                                       const PlanOptions& options) {
  OutputPlan output;
  output.file_type = &file_type;
  output.quantizer_order = !MadeByConverter(model, file_type);
  if (output.quantizer_order) {
    absl::StatusOr<std::vector<OutputTensor>> tensors =
        QuantizedTensors(model, file_type, options);
    if (!tensors.ok()) return tensors.status();
    output.tensors = *std::move(tensors);
  } else {
    output.tensors = ConvertedTensors(model, file_type);
  }
  return output;
}

bool IsSplit(const gguf::SplitOptions& split) {
  return split.max_bytes > 0 || split.max_tensors > 0;
}

absl::StatusOr<std::vector<gguf::Shard>> ShardsOf(
    const ModelPlan& model, const OutputPlan& whole,
    const gguf::Metadata& metadata, const PlanOptions& options) {
  if (!IsSplit(options.split)) {
    gguf::Shard shard;
    shard.metadata = metadata;
    shard.tensor_count = whole.tensors.size();
    return std::vector<gguf::Shard>{std::move(shard)};
  }
  return gguf::PlanSplit(metadata, OutputTensorInfos(model, whole),
                         options.split);
}

gguf::Metadata SplitKeys(const gguf::Metadata& metadata) {
  gguf::Metadata keys;
  for (absl::string_view key :
       {gguf::kSplitNumberKey, gguf::kSplitTensorsKey, gguf::kSplitCountKey}) {
    if (const gguf::Value* value = metadata.Find(key)) keys.Set(key, *value);
  }
  return keys;
}

absl::Status LayOut(const ModelPlan& model, const gguf::Metadata& metadata,
                    OutputPlan& output) {
  absl::StatusOr<gguf::Layout> layout =
      gguf::PlanLayout(metadata, OutputTensorInfos(model, output));
  if (!layout.ok()) return layout.status();
  output.layout = *std::move(layout);
  base::Sha256 hash;
  hash.Update(output.layout.header);
  output.header_sha256 = hash.Finish();
  output.layout.ReleaseHeader();
  for (size_t i = 0; i < output.tensors.size(); ++i) {
    output.weights += model.tensors[output.tensors[i].tensor].elements();
    output.data_bytes += output.layout.tensors[i].bytes;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CompleteOutput(const ModelPlan& model, const PlanOptions& options,
                            OutputPlan& output) {
  RETURN_IF_ERROR(
      CheckTensors(*output.file_type, model, output.tensors, options));
  return LayOut(model, OutputMetadata(model, output, options), output);
}

std::vector<gguf::TensorInfo> OutputTensorInfos(const ModelPlan& model,
                                                const OutputPlan& output) {
  std::vector<gguf::TensorInfo> infos;
  infos.reserve(output.tensors.size());
  for (const OutputTensor& tensor : output.tensors) {
    const TensorPlan& plan = model.tensors[tensor.tensor];
    infos.push_back({plan.name, tensor.type,
                     output.quantizer_order ? quant::QuantizerShape(plan.shape)
                                            : plan.shape});
  }
  return infos;
}

gguf::Metadata OutputMetadata(const ModelPlan& model, const OutputPlan& output,
                              const PlanOptions& options) {
  gguf::Metadata metadata;
  if (output.shard == 0) {
    metadata = WholeMetadata(model, *output.file_type, options);
  }
  metadata.Append(output.split_keys);
  return metadata;
}

absl::StatusOr<std::vector<OutputPlan>> PlanOutput(
    const ModelPlan& model, const quant::FileType& file_type,
    const PlanOptions& options, absl::string_view path) {
  absl::StatusOr<OutputPlan> whole = WholeOutput(model, file_type, options);
  if (!whole.ok()) return whole.status();
  absl::StatusOr<std::vector<gguf::Shard>> shards = ShardsOf(
      model, *whole, WholeMetadata(model, file_type, options), options);
  if (!shards.ok()) return shards.status();
  const absl::string_view prefix = absl::StripSuffix(path, ".gguf");
  std::vector<OutputPlan> outputs;
  for (size_t i = 0; i < shards->size(); ++i) {
    const gguf::Shard& shard = (*shards)[i];
    OutputPlan output;
    output.file_type = &file_type;
    output.quantizer_order = whole->quantizer_order;
    output.shard = i;
    output.shard_count = shards->size();
    output.path = shards->size() == 1
                      ? std::string(path)
                      : gguf::ShardPath(prefix, i, shards->size());
    const auto first = whole->tensors.begin() + shard.first_tensor;
    output.tensors.assign(first, first + shard.tensor_count);
    if (shards->size() > 1) output.split_keys = SplitKeys(shard.metadata);
    absl::Status status = LayOut(model, shard.metadata, output);
    if (!status.ok()) return status;
    outputs.push_back(std::move(output));
  }
  return outputs;
}

}  // namespace make_gguf
