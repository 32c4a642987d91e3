// File: converters/general_metadata.h
//
// The general.* keys that say what a model is, who made it and from what: read
// from the model card, config.json, generation_config.json and the model's
// name, with the precedence and the order of gguf-py 0.19.

#ifndef CONVERTERS_GENERAL_METADATA_H_
#define CONVERTERS_GENERAL_METADATA_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "converters/model_name.h"
#include "converters/warning.h"
#include "gguf/metadata.h"
#include "nlohmann/json_fwd.hpp"

namespace converters {

struct GeneralMetadataInput {
  std::string directory;  // of README.md and generation_config.json
  // The name to read parts from where the card and the config give none: the
  // directory's, or "organization/name".
  std::string model_name;
  const nlohmann::json* config;  // config.json as parsed
  ParameterCount parameters;
};

// From general.sampling.* and general.name to general.languages. Nothing in
// these files stops a conversion: what can't be used is left out and reported
// in `warnings`.
gguf::Metadata GeneralMetadata(const GeneralMetadataInput& input,
                               std::vector<Warning>& warnings);

}  // namespace converters

#endif  // CONVERTERS_GENERAL_METADATA_H_
