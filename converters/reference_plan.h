// File: converters/reference_plan.h
//
// For tests: compares the plan of a checkpoint of //testdata with what the
// reference made of it.

#ifndef CONVERTERS_REFERENCE_PLAN_H_
#define CONVERTERS_REFERENCE_PLAN_H_

#include <string>

#include "absl/strings/string_view.h"

namespace converters {

// Plans the checkpoint in `directory` ("testdata/models/tiny-llama") with the
// converter that the registry finds, which must be `architecture`, and expects
// every metadata key, every tensor and all data to be the reference's, in its
// order: testdata/expected/<last component of directory>/F32.json and F16.json.
void ExpectReferencePlan(const std::string& directory,
                         absl::string_view architecture);

}  // namespace converters

#endif  // CONVERTERS_REFERENCE_PLAN_H_
