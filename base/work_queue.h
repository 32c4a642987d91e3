// File: base/work_queue.h
//
// Runs tasks on a few threads of its own, in the order they came.

#ifndef BASE_WORK_QUEUE_H_
#define BASE_WORK_QUEUE_H_

#include <deque>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/parallel.h"

namespace base {

// Thread-safe.
class WorkQueue {
 public:
  // With fewer threads if the system does not give as many. With none, Add
  // runs its task.
  explicit WorkQueue(int threads);
  // Waits for the tasks that run; drops those that have not begun.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // Also from within a task. The caller holds no lock that a task takes.
  void Add(std::function<void()> task);

 private:
  void Run();

  absl::Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Threads threads_;
};

}  // namespace base

#endif  // BASE_WORK_QUEUE_H_
