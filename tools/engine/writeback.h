// File: tools/engine/writeback.h
//
// Brings outputs to disk while they are being written. Otherwise the system
// would keep most of the bytes in memory, and the sync at a job's end would
// wait for all of them at once, with every core idle.

#ifndef TOOLS_ENGINE_WRITEBACK_H_
#define TOOLS_ENGINE_WRITEBACK_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/parallel.h"
#include "tools/engine/output_file.h"

namespace make_gguf {

// Works from its making to its end, in a thread of its own, which waits for the
// disk so that those who compute need not.
class Writeback {
 public:
  // `outputs` outlive it.
  explicit Writeback(absl::Span<const std::unique_ptr<OutputFile>> outputs);
  ~Writeback();
  Writeback(const Writeback&) = delete;
  Writeback& operator=(const Writeback&) = delete;

 private:
  void Run();

  const absl::Span<const std::unique_ptr<OutputFile>> outputs_;
  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  base::Threads thread_;  // without one, the sync at the end waits longer
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_WRITEBACK_H_
