// File: tools/engine/plan_file.h
//
// A job's plan as data, written and read back: planned here, carried out later.

#ifndef TOOLS_ENGINE_PLAN_FILE_H_
#define TOOLS_ENGINE_PLAN_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/engine/job.pb.h"
#include "tools/engine/job_plan.h"
#include "tools/engine/plan.pb.h"

namespace make_gguf {

JobPlanProto ToProto(const JobPlan& plan);

// The plan that `proto` describes, on its model, which is opened anew. Nothing
// that it says is taken on trust: indices, shapes, views and types are checked
// before they are used, paths and sizes follow from the rest.
// Errors: InvalidArgument for what can't be a plan of this program; errors of
// opening the model; FailedPrecondition, naming the file, if the model is not
// what was planned; those of planning the memory.
absl::StatusOr<JobPlan> FromProto(const JobPlanProto& proto);

// Writes `plan` to a file, in one step.
absl::Status WritePlan(const JobPlan& plan, const std::string& path);

// Reads it back. What `execution` says overrides the plan, but for the size of
// chunks.
// Errors: besides those of FromProto, which name the file as well, those of
// reading it.
absl::StatusOr<JobPlan> ReadPlan(const std::string& path,
                                 const Execution& execution = {});

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_PLAN_FILE_H_
