// File: tools/engine/observer.h
//
// How a job shows what it does while it runs.

#ifndef TOOLS_ENGINE_OBSERVER_H_
#define TOOLS_ENGINE_OBSERVER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "converters/warning.h"
#include "tools/engine/job.pb.h"

namespace make_gguf {

struct JobPlan;

// What became of an earlier job with the same outputs.
struct Resumption {
  bool resumed = false;  // this job goes on with it
  uint64_t chunks = 0;
  uint64_t chunks_done = 0;    // by its word; each is checked before it counts
  std::string restart_reason;  // why this job starts over; may be empty
};

struct JobProgress {
  uint64_t weights_total = 0;
  uint64_t weights_done = 0;  // finished, resumed ones included
  uint64_t weights_resumed = 0;
  uint64_t bytes_read = 0;     // of the model
  uint64_t bytes_written = 0;  // of the outputs
  std::string tensor;          // that is being worked on
  bool syncing = false;        // all is made, the files go to disk
};

// Calls come from the thread that called Run, never concurrently. Any may be
// empty.
struct Observer {
  // Once, when the outputs are open and the work begins.
  std::function<void(const JobPlan&)> planned;
  std::function<void(const converters::Warning&)> warning;
  // Once, if an earlier job with these outputs was stopped.
  std::function<void(const Resumption&)> resumed;
  // At the start, about five times a second, and when the files go to disk.
  std::function<void(const JobProgress&)> progress;
  // For each file that is whole and has its final name.
  std::function<void(const OutputReport&)> finished;
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_OBSERVER_H_
