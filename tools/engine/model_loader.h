// File: tools/engine/model_loader.h
//
// From a checkpoint's directory, or a GGUF file, to its plan and its weights.

#ifndef TOOLS_ENGINE_MODEL_LOADER_H_
#define TOOLS_ENGINE_MODEL_LOADER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"
#include "tools/engine/job.pb.h"

namespace make_gguf {

struct LoadedModel {
  std::unique_ptr<converters::TensorSource> source;
  converters::ModelPlan plan;
  // Of what config.json says, on which the reading of the source depends; empty
  // for a GGUF file.
  std::string config_sha256;
};

// Opens the checkpoint or GGUF file that `spec` names and plans its conversion.
// Reads config, tokenizer and the heads of the weights' files, but no weight.
// Errors: those of checkpoint::Open, Converter::Plan and GgufSource::Open;
// InvalidArgument for an architecture that no converter knows or that is not
// the spec's model_type.
absl::StatusOr<LoadedModel> LoadModel(const JobSpec& spec);

// The same without the plan: opens the weights alone.
absl::StatusOr<LoadedModel> OpenModel(const JobSpec& spec);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_MODEL_LOADER_H_
