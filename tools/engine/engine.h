// File: tools/engine/engine.h
//
// The engine's face: makes GGUF files of a model.
//
//   JobSpec spec;
//   spec.set_model("models/tiny-llama");   // a checkpoint or a GGUF file
//   spec.add_quants("Q4_K_M");
//   absl::StatusOr<JobPlan> plan = Plan(spec);
//   if (plan.ok()) report = Run(*plan, observer, {.stop = &stop});
//
// Plan (job_plan.h) reads no weight: it tells every file's size. A plan is
// data: plan_file.h writes it and reads it back. Run writes the files; nothing
// has its final name before it is whole. What happens meanwhile goes to the
// observer, to no terminal. example.cc is a whole program.

#ifndef TOOLS_ENGINE_ENGINE_H_
#define TOOLS_ENGINE_ENGINE_H_

#include "absl/status/statusor.h"
#include "base/blame.h"
#include "tools/engine/job.pb.h"
#include "tools/engine/job_plan.h"
#include "tools/engine/observer.h"
#include "tools/engine/plan_file.h"
#include "tools/engine/run_options.h"

namespace make_gguf {

// Writes all outputs. The error of a job that did not come to its end says what
// to do, and BlameOf whose it is: of a job that was stopped, or that the
// machine ended, what is done is kept (unless its spec says not to resume), and
// the same job goes on there; after an error in the input nothing is kept.
absl::StatusOr<JobReport> Run(const JobPlan& plan,
                              const Observer& observer = {},
                              const RunOptions& options = {});

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_ENGINE_H_
