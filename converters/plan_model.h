// File: converters/plan_model.h
//
// Makes the plan of a checkpoint by what its architecture says.

#ifndef CONVERTERS_PLAN_MODEL_H_
#define CONVERTERS_PLAN_MODEL_H_

#include "absl/status/statusor.h"
#include "converters/architecture.h"
#include "converters/model_plan.h"

namespace converters {

// Errors: InvalidArgument or FailedPrecondition, naming the file and the key or
// tensor, for a config that lacks a key, a tensor that is missing, unknown or
// of the wrong shape, a vocabulary that does not fit.
absl::StatusOr<ModelPlan> PlanModel(const Architecture& architecture,
                                    const ConversionInput& input);

}  // namespace converters

#endif  // CONVERTERS_PLAN_MODEL_H_
