#include "base/parallel.h"

#include <functional>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace base {

bool Threads::Start(std::function<void()> work) {
  try {  // the one way in which std::thread tells
    threads_.emplace_back(std::move(work));
    return true;
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  return false;
}

void Threads::Join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

int RunInParallel(int threads, const std::function<void(int)>& work) {
  Threads others;
  int count = 1;
  while (count < threads && others.Start([&work, count] { work(count); })) {
    ++count;
  }
  work(0);
  return count;
}

}  // namespace base
