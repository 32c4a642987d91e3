// File: converters/model_name.h
//
// What a model's name says of it. Hugging Face names follow a habit,
// "Org/Basename-Version-Size-Finetune", and gguf-py (0.19) reads the parts by
// pattern; these are its rules.

#ifndef CONVERTERS_MODEL_NAME_H_
#define CONVERTERS_MODEL_NAME_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace converters {

struct ModelName {
  std::optional<std::string> full_name;
  std::optional<std::string> organization;
  std::optional<std::string> basename;
  std::optional<std::string> finetune;
  std::optional<std::string> version;
  std::optional<std::string> size_label;
};

// Takes "organization/name" or a name apart. A size that is far from
// `parameters`, the model's number of weights, is taken for something else
// (a context length, say); 0 if that number isn't known. An id with a space in
// it is a title, of which nothing is read.
ModelName ParseModelName(absl::string_view id, uint64_t parameters);

// "llama-2-chat" as "Llama 2 Chat": hyphens become spaces and lower-case words
// capitalized, but for versions and words that begin with a digit.
std::string TitleFromName(absl::string_view name);

// Numbers of weights, as a size label counts them.
struct ParameterCount {
  uint64_t total = 0;
  uint64_t shared = 0;   // all but the experts'
  uint64_t expert = 0;   // of one expert in all blocks
  uint64_t experts = 0;  // per block; 0 for dense models
};

// "7.2B", "13B", "8x7.2B": two significant digits at least.
std::string SizeLabel(const ParameterCount& count);

}  // namespace converters

#endif  // CONVERTERS_MODEL_NAME_H_
