// File: converters/architecture.h
//
// An architecture describes its models. Each is a file in architectures/, which
// ends with its Architecture; list.h there names them all.

#ifndef CONVERTERS_ARCHITECTURE_H_
#define CONVERTERS_ARCHITECTURE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"
#include "converters/warning.h"
#include "gguf/metadata.h"
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

// What an architecture says of one model.
struct Model {
  explicit Model(absl::string_view name, const ConversionInput& conversion)
      : architecture(name), input(conversion), tensors(*conversion.source) {}

  // general.architecture, and the first part of its keys' names. An
  // architecture that has several of them decides before it writes keys.
  std::string architecture;
  const ConversionInput& input;  // for what is in other files than config.json
  std::string name;  // of the directory, or what the user says instead
  // Keys that stand right behind general.architecture, for once; and all
  // others, in their order, mostly "<architecture>.*" (see KeyWriter).
  gguf::Metadata first_keys;
  gguf::Metadata keys;
  vocab::Vocabulary vocabulary;
  Tensors tensors;
  std::vector<Warning> warnings;
};

// All of it must live as long as the program.
struct Architecture {
  // What --model_type says, and general.architecture unless `describe` decides
  // otherwise: "llama".
  absl::string_view name;
  // The `architectures` of config.json that it handles: "LlamaForCausalLM".
  absl::Span<const absl::string_view> classes;
  // What transformers does to the config.json of these models.
  absl::Span<const ConfigClass> configs;
  // Fills in the model that `config` describes.
  // Errors: InvalidArgument, naming the key.
  absl::Status (*describe)(const Config& config, Model& model);
};

}  // namespace converters

#endif  // CONVERTERS_ARCHITECTURE_H_
