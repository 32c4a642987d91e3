#include "tools/engine/crew.h"

#include <functional>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/parallel.h"

namespace make_gguf {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(200);

}  // namespace

int RunCrew(int threads, const std::function<void(int)>& work,
            const std::function<void()>& tick) {
  absl::Mutex mutex;
  int ended = 0;
  base::Threads crew;
  while (crew.size() < threads && crew.Start([&, number = crew.size()] {
    work(number);
    absl::MutexLock lock(&mutex);
    ++ended;
  })) {
  }
  if (crew.size() == 0) {
    work(0);
    return 1;
  }
  const auto all_ended = [&] { return ended == crew.size(); };
  while (!mutex.LockWhenWithTimeout(absl::Condition(&all_ended), kTick)) {
    mutex.Unlock();
    tick();
  }
  mutex.Unlock();
  return crew.size();
}

Repeater::Repeater(absl::Duration interval, std::function<void()> work) {
  thread_.Start([this, interval, work] { Run(interval, work); });
}

Repeater::~Repeater() {
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
  }
  thread_.Join();
}

void Repeater::Run(absl::Duration interval, const std::function<void()>& work) {
  while (!mutex_.LockWhenWithTimeout(absl::Condition(&ended_), interval)) {
    mutex_.Unlock();
    work();
  }
  mutex_.Unlock();
}

}  // namespace make_gguf
