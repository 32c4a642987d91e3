// File: converters/plan_builder.h
//
// Puts a ModelPlan together from what an architecture's converter found.

#ifndef CONVERTERS_PLAN_BUILDER_H_
#define CONVERTERS_PLAN_BUILDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "converters/converter.h"
#include "converters/model_plan.h"
#include "gguf/metadata.h"

namespace converters {

// The parts of a plan that differ between architectures.
struct PlanParts {
  absl::string_view architecture;  // general.architecture
  std::vector<TensorPlan> tensors = {};
  gguf::Metadata parameters = {};  // "<architecture>.*"
  gguf::Metadata vocabulary = {};  // "tokenizer.*"
  std::vector<std::string> warnings = {};
};

// The whole plan: adds general.* in its place.
// Errors: InvalidArgument if the vocabulary has not as many tokens as the
// embedding has rows.
absl::StatusOr<ModelPlan> BuildPlan(const ConversionInput& input,
                                    PlanParts parts);

}  // namespace converters

#endif  // CONVERTERS_PLAN_BUILDER_H_
