// File: tools/engine/planner.h
//
// From a ModelPlan and the wanted file types to the outputs: which tensors in
// which order with which types, and so every size and offset. No weight is
// read for that.

#ifndef TOOLS_ENGINE_PLANNER_H_
#define TOOLS_ENGINE_PLANNER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "converters/model_plan.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/split.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "quant/file_type.h"
#include "quant/mix.h"
#include "tools/engine/imatrix.h"
#include "tools/engine/job.pb.h"

namespace make_gguf {

// How an output holds a tensor.
struct Form {
  gguf::TensorType type = gguf::TensorType::kF32;
  // Its values pass through F16 before they get their type.
  bool rounded = false;
  // It is the source's tensor, byte for byte.
  bool copied = false;

  bool operator==(const Form&) const = default;
};

struct OutputTensor : Form {
  size_t tensor = 0;  // index in ModelPlan::tensors
  // What the mix wanted, where its blocks do not divide the rows.
  std::optional<gguf::TensorType> fallback_from;
};

// One file to be written: an output, or a shard of one.
struct OutputPlan {
  const quant::FileType* file_type = nullptr;
  std::string path;
  size_t shard = 0;  // from 0
  size_t shard_count = 1;
  // Arranged as llama-quantize does, not as the converter does.
  bool quantizer_order = true;
  std::vector<OutputTensor> tensors;  // in the file's order
  // Without its header, which HeadOf gives anew when it is needed: it holds the
  // vocabulary, and there may be many outputs.
  gguf::Layout layout;
  std::string header_sha256;
  // What a shard says of the split model; empty for a whole file.
  gguf::Metadata split_keys;

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
  bool allow_requantize = false;
  gguf::SplitOptions split;
  // For each tensor of the model; empty where there is none.
  ImportanceTable importance;
};

// Plans an output, to be written to `path`, or to several files called after
// it.
// Errors: those of ChooseTypes and PlanLayout; InvalidArgument, with a list of
// the tensors, where importance weights are needed and not there or where
// quantized tensors would be quantized again; Unimplemented for types that
// can't be made.
absl::StatusOr<std::vector<OutputPlan>> PlanOutput(
    const converters::ModelPlan& model, const quant::FileType& file_type,
    const PlanOptions& options, absl::string_view path);

// Lays out an output of which all else is known already.
// Errors: Unimplemented or InvalidArgument for tensors that can't be made in
// these types; those of PlanLayout.
absl::Status CompleteOutput(const converters::ModelPlan& model,
                            const PlanOptions& options, OutputPlan& output);

// The metadata of an output's file. Made when it is needed and not kept,
// because a vocabulary takes tens of megabytes.
gguf::Metadata OutputMetadata(const converters::ModelPlan& model,
                              const OutputPlan& output,
                              const PlanOptions& options);

// The tensor list of an output, as it stands in the file.
std::vector<gguf::TensorInfo> OutputTensorInfos(
    const converters::ModelPlan& model, const OutputPlan& output);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_PLANNER_H_
