// File: tools/engine/crew.h
//
// Threads that work while the one that called them tells how far they are, and
// threads that see to something now and then meanwhile.

#ifndef TOOLS_ENGINE_CREW_H_
#define TOOLS_ENGINE_CREW_H_

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/parallel.h"

namespace make_gguf {

// Runs `work(0)`, `work(1)` … on up to `threads` threads and waits for their
// end; calls `tick` about five times a second meanwhile. Where the system
// gives fewer threads, fewer calls of `work` run: each takes its share from
// something common until that is empty. With none, `work(0)` runs in the
// calling thread. Returns how many ran.
int RunCrew(int threads, const std::function<void(int)>& work,
            const std::function<void()>& tick);

// Calls `work` once every `interval`, in a thread of its own, until it is
// destroyed. Never, if the system gives no thread: fit for what only helps.
class Repeater {
 public:
  Repeater(absl::Duration interval, std::function<void()> work);
  ~Repeater();
  Repeater(const Repeater&) = delete;
  Repeater& operator=(const Repeater&) = delete;

 private:
  void Run(absl::Duration interval, const std::function<void()>& work);

  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  base::Threads thread_;
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_CREW_H_
