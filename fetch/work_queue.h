// File: fetch/work_queue.h
//
// Runs tasks on a few threads of its own, in the order they came.

#ifndef FETCH_WORK_QUEUE_H_
#define FETCH_WORK_QUEUE_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace fetch {

class WorkQueue {
 public:
  explicit WorkQueue(int threads);
  // Waits for the tasks that run; drops those that have not begun.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // From any thread, also from within a task.
  void Add(std::function<void()> task);

 private:
  void Run();

  absl::Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace fetch

#endif  // FETCH_WORK_QUEUE_H_
