// File: tools/engine/executor.h
//
// Runs a work list: reads each chunk once, makes it into each form that an
// output wants once, and writes that to every output that wants it.
//
// Each thread takes the next chunk, goes through it in tiles that stay in its
// core's cache between reading and quantizing, writes, and records the chunk in
// the journal. Chunks that the journal of a stopped job claims are compared
// with what the outputs hold, and kept if they agree.
//
// Meanwhile the system reads the chunks to come and brings the written ones to
// disk, so that no core waits for it.

#ifndef TOOLS_ENGINE_EXECUTOR_H_
#define TOOLS_ENGINE_EXECUTOR_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tools/engine/counters.h"
#include "tools/engine/job_plan.h"
#include "tools/engine/journal.h"
#include "tools/engine/output_file.h"

namespace make_gguf {

// What an execution works on. All of it outlives the call.
struct ExecutionInput {
  const JobPlan* plan = nullptr;
  absl::Span<const std::unique_ptr<OutputFile>> outputs;
  Journal* journal = nullptr;  // or none
  // Set from outside to stop; threads look at it after each tile.
  const std::atomic<bool>* stop = nullptr;
  Counters* counters = nullptr;
};

struct ExecutionResult {
  int threads = 0;  // that ran; fewer than asked for if the system gave fewer
  // Thread time spent on each output's tensors; what several outputs share is
  // divided between them.
  std::vector<double> output_seconds;
};

// Calls `tick` from this thread about five times a second.
// Errors: those of ChunkMaker and of the outputs; of several that of the
// earliest chunk. After an error the journal tells what is done.
absl::StatusOr<ExecutionResult> Execute(const ExecutionInput& input,
                                        const std::function<void()>& tick);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_EXECUTOR_H_
