// File: tools/engine/job_plan.h
//
// Everything about a job that can be known before its first weight is read.

#ifndef TOOLS_ENGINE_JOB_PLAN_H_
#define TOOLS_ENGINE_JOB_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/engine/imatrix.h"
#include "tools/engine/job.pb.h"
#include "tools/engine/model_loader.h"
#include "tools/engine/planner.h"
#include "tools/engine/work_list.h"

namespace make_gguf {

struct JobPlan {
  JobSpec spec;  // complete
  LoadedModel model;
  PlanOptions options;
  std::vector<OutputPlan> outputs;
  WorkList work;

  uint64_t chunk_weights = 0;
  int threads = 1;             // fewer than asked for if memory is short
  uint64_t pending_limit = 0;  // bytes per output, see OrderedSha256
  uint64_t planned_peak = 0;   // bytes of resident memory
};

// Plans the job, with defaults for what `spec` leaves open. Reads no weight and
// writes nothing.
// Errors: those of FillDefaults, ValidateSpec, LoadModel and PlanOutput;
// ResourceExhausted if the memory limit is too small for one thread.
absl::StatusOr<JobPlan> Plan(const JobSpec& spec);

// Completes a plan whose spec, model, options, importance, outputs and chunk
// size are known: the list of work, and what this machine has for it.
absl::Status PlanWork(JobPlan& plan);

// Plan for a model that is loaded already.
absl::StatusOr<JobPlan> Plan(const JobSpec& spec, LoadedModel model);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_JOB_PLAN_H_
