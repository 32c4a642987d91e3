// File: tools/planner.h
//
// From a ModelPlan and the wanted file types to the outputs: which tensors in
// which order with which types, and so every size and offset. No weight is
// read for that.

#ifndef TOOLS_PLANNER_H_
#define TOOLS_PLANNER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "converters/model_plan.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "quant/file_type.h"
#include "quant/mix.h"
#include "tools/job.pb.h"

namespace make_gguf {

struct OutputTensor {
  size_t tensor = 0;  // index in ModelPlan::tensors
  gguf::TensorType type = gguf::TensorType::kF32;
  // Its values pass through F16 before they get their type.
  bool rounded = false;
  // What the mix wanted, where its blocks do not divide the rows.
  std::optional<gguf::TensorType> fallback_from;
};

// One file to be written.
struct OutputPlan {
  const quant::FileType* file_type = nullptr;
  std::string path;
  std::vector<OutputTensor> tensors;  // in the file's order
  gguf::Layout layout;

  uint64_t weights = 0;     // in all tensors
  uint64_t data_bytes = 0;  // of all tensors, without padding
  double bits_per_weight() const {
    return weights == 0 ? 0 : 8.0 * data_bytes / weights;
  }
};

struct PlanOptions {
  Intermediate intermediate = Intermediate::F16;
  quant::MixOverrides mix;
  gguf::Metadata quantized_metadata;  // appended to quantized outputs
  // Whether there are importance weights for a tensor of the model.
  std::function<bool(size_t tensor)> has_importance = [](size_t) {
    return false;
  };
};

// Whether outputs of this file type are what the converter alone makes (F32,
// F16, BF16), in the converter's order and straight from the checkpoint.
bool IsUnquantized(const quant::FileType& file_type);

// The metadata of an output. Made when it is needed and not kept, because a
// vocabulary takes tens of megabytes.
gguf::Metadata OutputMetadata(const converters::ModelPlan& model,
                              const quant::FileType& file_type,
                              const PlanOptions& options);

// The tensor list of an output, as it stands in the file.
std::vector<gguf::TensorInfo> OutputTensorInfos(
    const converters::ModelPlan& model, const OutputPlan& output);

// Plans one output, to be written to `path`.
absl::StatusOr<OutputPlan> PlanOutput(const converters::ModelPlan& model,
                                      const quant::FileType& file_type,
                                      const PlanOptions& options,
                                      absl::string_view path);

}  // namespace make_gguf

#endif  // TOOLS_PLANNER_H_
