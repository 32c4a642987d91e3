// File: tools/engine/run_options.h
//
// How a plan is carried out.

#ifndef TOOLS_ENGINE_RUN_OPTIONS_H_
#define TOOLS_ENGINE_RUN_OPTIONS_H_

#include <atomic>

#include "tools/engine/file_ops.h"

namespace make_gguf {

struct RunOptions {
  // Set from outside to stop the job. Looked at many times a second.
  const std::atomic<bool>* stop = nullptr;
  // Keep a journal beside the outputs, which also is the lock on their names.
  // Without it a job that does not come to its end leaves nothing.
  bool journal = true;
  // Look first whether the disk has room for all outputs together.
  bool check_space = true;
  // Through which the outputs are written; for tests.
  FileOps* file_ops = &FileOps::System();
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_RUN_OPTIONS_H_
