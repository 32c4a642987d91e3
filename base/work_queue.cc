#include "base/work_queue.h"

#include <functional>
#include <utility>

#include "absl/synchronization/mutex.h"

namespace base {

WorkQueue::WorkQueue(int threads) {
  while (threads_.size() < threads && threads_.Start([this] { Run(); })) {
  }
}

WorkQueue::~WorkQueue() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    tasks_.clear();
  }
  threads_.Join();
}

void WorkQueue::Add(std::function<void()> task) {
  if (threads_.size() == 0) return task();
  absl::MutexLock lock(&mutex_);
  if (!stopping_) tasks_.push_back(std::move(task));
}

void WorkQueue::Run() {
  while (true) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mutex_);
      const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !tasks_.empty();
      };
      mutex_.Await(absl::Condition(&has_work));
      if (stopping_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace base
