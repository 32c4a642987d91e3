// File: converters/converter.h
//
// A converter describes one architecture: it turns a checkpoint directory into
// a ModelPlan. Converters are found by the `architectures` entry of
// config.json through the table in registry.h.

#ifndef CONVERTERS_CONVERTER_H_
#define CONVERTERS_CONVERTER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"
#include "nlohmann/json_fwd.hpp"

namespace converters {

struct ConvertOptions {
  // Sets tokenizer.ggml.pre by hand (--pre); found from tokenizer.json if
  // absent.
  std::optional<std::string> pre_tokenizer;
  // Replaces the directory's name wherever general.* is derived from it.
  std::optional<std::string> model_name;
};

// What a converter is given. All pointers outlive the call.
struct ConversionInput {
  std::string directory;         // the checkpoint's directory
  const nlohmann::json* config;  // config.json, parsed
  const TensorSource* source;    // its weights
  ConvertOptions options;
};

class Converter {
 public:
  virtual ~Converter() = default;

  // The name that --model_type and general.architecture use: "llama".
  virtual absl::string_view name() const = 0;
  // The `architectures` entries that it handles: "LlamaForCausalLM".
  virtual absl::Span<const absl::string_view> huggingface_names() const = 0;

  // Errors: InvalidArgument or FailedPrecondition, naming the file and the key
  // or tensor, for a config that lacks a key, a tensor that is missing, unknown
  // or of the wrong shape, a vocabulary that does not fit.
  virtual absl::StatusOr<ModelPlan> Plan(
      const ConversionInput& input) const = 0;
};

}  // namespace converters

#endif  // CONVERTERS_CONVERTER_H_
