// File: converters/registry.h
//
// All architectures, and how one is found. To add one, add its file and its
// line in architectures/list.h.

#ifndef CONVERTERS_REGISTRY_H_
#define CONVERTERS_REGISTRY_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/architecture.h"
#include "converters/config/config_class.h"
#include "nlohmann/json_fwd.hpp"

namespace converters {

// In the order in which --list_architectures shows them.
absl::Span<const Architecture* const> AllArchitectures();

// How transformers reads the config.json of any of them.
std::vector<ConfigClass> AllConfigClasses();

// The architecture of a model whose config.json is `config`: by the first entry
// of its `architectures`. `model_type`, if not empty, is an architecture's name
// or one of its classes, which config.json must agree with; it decides alone
// where config.json names no class.
// Errors: NotFound for a class or model_type that is not known, with the names
// of those that are; InvalidArgument where `model_type` and config.json
// disagree (says both) or neither says anything.
absl::StatusOr<const Architecture*> FindArchitecture(
    const nlohmann::json& config, absl::string_view model_type);

}  // namespace converters

#endif  // CONVERTERS_REGISTRY_H_
