// File: tools/engine/run_job.h
//
// Runs a prepared job from its first output byte to its report.

#ifndef TOOLS_ENGINE_RUN_JOB_H_
#define TOOLS_ENGINE_RUN_JOB_H_

#include <atomic>
#include <cstdio>

#include "absl/status/statusor.h"
#include "gguf/file_ops.h"
#include "tools/display.h"
#include "tools/engine/job.pb.h"
#include "tools/engine/prepare.h"

namespace make_gguf {

struct RunOptions {
  // Set from outside to stop the job.
  const std::atomic<bool>* stop = nullptr;
  DisplayMode display = DisplayMode::kNone;
  FILE* messages = stderr;  // progress and events
  // Through which the outputs are written; for tests.
  gguf::FileOps* file_ops = &gguf::FileOps::System();
};

// Writes all outputs. What a job that is stopped (Cancelled) or that fails for
// a reason outside of its input has done is kept, unless its spec says not to
// resume; after an error in the input nothing is kept. The error's message says
// which it is.
absl::StatusOr<JobReport> RunJob(const PreparedJob& job,
                                 const RunOptions& options);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_RUN_JOB_H_
