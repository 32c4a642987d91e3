// File: base/parallel.h
//
// Threads, as many as the system gives: in a container with a limit, or with
// little address space, a thread that can't be made is no reason to end.

#ifndef BASE_PARALLEL_H_
#define BASE_PARALLEL_H_

#include <functional>
#include <thread>
#include <vector>

namespace base {

// Threads that are joined when the object ends. Not thread-safe.
class Threads {
 public:
  Threads() = default;
  ~Threads() { Join(); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  // Runs `work` on one thread more. False if the system gives no more.
  bool Start(std::function<void()> work);
  // Waits for the end of all.
  void Join();

  int size() const { return static_cast<int>(threads_.size()); }

 private:
  std::vector<std::thread> threads_;
};

// Runs `work(0)`, `work(1)` … on up to `threads` threads at once, of which the
// caller's is one, and waits for their end. `work(0)` always runs, the others
// if their threads can be made: each takes its share from something common,
// until that is empty. Returns how many ran.
int RunInParallel(int threads, const std::function<void(int)>& work);

}  // namespace base

#endif  // BASE_PARALLEL_H_
