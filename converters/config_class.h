// File: converters/config_class.h
//
// transformers' configuration classes (those of 5.12), as far as they show in
// what a converter reads: which types each field accepts, and what it is where
// config.json leaves it out.

#ifndef CONVERTERS_CONFIG_CLASS_H_
#define CONVERTERS_CONFIG_CLASS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace converters {

// Types of JSON values, as a set.
enum Kind : uint32_t {
  kInt = 1,
  kFloat = 2,  // a JSON number with a point or an exponent
  kBool = 4,
  kString = 8,
  kInts = 16,
  kStrings = 32,
  kObject = 64,
  kNull = 128,
  kNumber = kInt | kFloat,
};

// A key of config.json and the types that it accepts.
struct Field {
  absl::string_view key;
  uint32_t kinds;
};
using Fields = absl::Span<const Field>;

// The fields that all classes have.
Fields CommonFields();

// All names of the setting that `key` names, some of them empty; none if it has
// only this one.
absl::Span<const absl::string_view> Spellings(absl::string_view key);

struct ConfigClass {
  absl::string_view model_type;
  // Its fields, besides the common ones.
  Fields fields[4];
  // The defaults that matter to a converter, as JSON.
  const char* defaults;
  bool rotary = true;                // it has rope_parameters
  double rope_theta = 10000.0;       // the default of the one in these
  bool heads_divide_hidden = false;  // else it is refused
  bool derives_head_dim = false;     // hidden size / heads where not given
};

// The class for config.json's model_type; null if it is not known here.
const ConfigClass* FindConfigClass(absl::string_view model_type);

}  // namespace converters

#endif  // CONVERTERS_CONFIG_CLASS_H_
