// File: converters/config_defaults.h
//
// What Hugging Face's transformers makes of a config.json before the reference
// converter sees it: keys that the file leaves out get the defaults of its
// model_type, and rotary settings of all ages become `rope_parameters`.
// The rules are those of transformers 5.12's AutoConfig, with one exception:
// a default does not override an old spelling of the same key.

#ifndef CONVERTERS_CONFIG_DEFAULTS_H_
#define CONVERTERS_CONFIG_DEFAULTS_H_

#include "nlohmann/json_fwd.hpp"

namespace converters {

// `config`, an object, with defaults filled in. A config whose model_type is
// unknown here, or that transformers would reject (a value of the wrong type,
// heads that do not divide the hidden size, incomplete rotary scaling), comes
// back as it is: the reference then goes by the file alone.
nlohmann::json WithDefaults(const nlohmann::json& config);

}  // namespace converters

#endif  // CONVERTERS_CONFIG_DEFAULTS_H_
