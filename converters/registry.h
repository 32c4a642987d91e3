// File: converters/registry.h
//
// All converters, and how one is found. To add an architecture, add its target
// and its line in registry.cc.

#ifndef CONVERTERS_REGISTRY_H_
#define CONVERTERS_REGISTRY_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/converter.h"
#include "nlohmann/json_fwd.hpp"

namespace converters {

// In the order in which --list_architectures shows them.
absl::Span<const Converter* const> AllConverters();

// The converter for a model whose config.json is `config`: by the first entry
// of its `architectures`. `model_type`, if not empty, is a converter's name or
// one of its Hugging Face names, which config.json must agree with; it decides
// alone where config.json names no architecture.
// Errors: NotFound for an architecture or model_type that no converter knows,
// with the list of those that are known; InvalidArgument where `model_type` and
// config.json disagree (says both) or neither says anything.
absl::StatusOr<const Converter*> FindConverter(const nlohmann::json& config,
                                               absl::string_view model_type);

}  // namespace converters

#endif  // CONVERTERS_REGISTRY_H_
