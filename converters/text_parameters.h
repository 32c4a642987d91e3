// File: converters/text_parameters.h
//
// The metadata that most decoder architectures have in common: sizes, rotary
// settings, norm epsilons, experts, under the keys "<architecture>.*".

#ifndef CONVERTERS_TEXT_PARAMETERS_H_
#define CONVERTERS_TEXT_PARAMETERS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "converters/config.h"
#include "gguf/metadata.h"

namespace converters {

// Adds what `config` says of the common keys, in the reference's order, and
// general.file_type (0: its place) at the end. Keys that `config` lacks are
// left out.
absl::Status AddTextParameters(absl::string_view architecture,
                               const Config& config, gguf::Metadata& metadata);

}  // namespace converters

#endif  // CONVERTERS_TEXT_PARAMETERS_H_
