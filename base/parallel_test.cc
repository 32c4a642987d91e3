#include "base/parallel.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "base/work_queue.h"
#include "gtest/gtest.h"

// How many threads the system still gives; -1: as many as it has.
static int threads_left = -1;

// Replaces libc's, behind std::thread.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attr,
                              void* (*start)(void*), void* argument) noexcept {
  using Create =
      int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static Create* const real =
      reinterpret_cast<Create*>(dlsym(RTLD_NEXT, "pthread_create"));
  if (threads_left == 0) return EAGAIN;
  if (threads_left > 0) --threads_left;
  return real(thread, attr, start, argument);
}

namespace base {
namespace {

TEST(ParallelTest, RunsOnAsManyThreadsAsTheSystemGives) {
  for (const int left : {-1, 0, 2}) {
    threads_left = left;
    std::vector<std::atomic<int>> ran(4);
    const int count = RunInParallel(4, [&](int i) { ++ran[i]; });
    threads_left = -1;
    EXPECT_EQ(count, left < 0 ? 4 : left + 1);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(ran[i], i < count) << left;
  }
}

TEST(WorkQueueTest, RunsTasksEvenWithoutThreads) {
  for (const int left : {-1, 0}) {
    threads_left = left;
    WorkQueue queue(2);
    threads_left = -1;
    absl::BlockingCounter counter(10);
    for (int i = 0; i < 10; ++i) queue.Add([&] { counter.DecrementCount(); });
    counter.Wait();
  }
}

}  // namespace
}  // namespace base
