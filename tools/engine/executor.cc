#include "tools/engine/executor.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/status_macros.h"
#include "tools/engine/blame.h"
#include "tools/engine/chunk_worker.h"
#include "tools/engine/crew.h"
#include "tools/engine/writeback.h"

namespace make_gguf {
namespace {

// How much is fetched from the disk ahead of the threads that will read it.
constexpr uint64_t kPrefetchWeights = uint64_t{8} << 20;

// The chunks still to be taken, and the first error.
class Queue {
 public:
  explicit Queue(const ExecutionInput& input) : input_(input) {}

  // The next chunk's number; false if there is none or the work has to end.
  bool Next(uint32_t& index) {
    if (failed_ || *input_.stop) return false;
    index = next_.fetch_add(1);
    if (index >= input_.work->chunks.size()) return false;
    PrefetchAhead(index);
    return true;
  }

  // Of several errors the one of the earliest chunk counts.
  void Fail(uint32_t index, const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    if (index < failed_index_) {
      failed_index_ = index;
      status_ = status;
    }
    failed_ = true;
  }

  absl::Status status() {
    absl::MutexLock lock(&mutex_);
    if (status_.ok() && *input_.stop) return Stopped();
    return status_;
  }

 private:
  // Announces the chunks that follow `index`, so that the disk reads while the
  // threads compute. Each chunk is announced once.
  void PrefetchAhead(uint32_t index) {
    const std::vector<Chunk>& chunks = input_.work->chunks;
    if (!prefetching_.TryLock()) return;  // another thread is at it
    uint64_t ahead = 0;
    for (uint32_t i = index; i < chunks.size() && ahead < kPrefetchWeights;
         ++i) {
      ahead += chunks[i].weights;
      if (i < prefetched_) continue;
      prefetched_ = i + 1;
      if (input_.journal->finished().contains(i)) continue;
      converters::PrefetchTensor(
          *input_.source,
          input_.model->tensors[input_.work->tensors[chunks[i].work].tensor],
          chunks[i].first, chunks[i].weights);
    }
    prefetching_.Unlock();
  }

  const ExecutionInput& input_;
  std::atomic<uint32_t> next_{0};
  absl::Mutex prefetching_;
  uint32_t prefetched_ ABSL_GUARDED_BY(prefetching_) = 0;  // all before it
  std::atomic<bool> failed_{false};
  absl::Mutex mutex_;
  uint32_t failed_index_ ABSL_GUARDED_BY(mutex_) =
      std::numeric_limits<uint32_t>::max();
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

void Work(ChunkWorker& worker, Queue& queue) {
  uint32_t index;
  while (queue.Next(index)) {
    absl::Status status = worker.Process(index);
    if (!status.ok()) return queue.Fail(index, status);
  }
}

}  // namespace

absl::StatusOr<ExecutionResult> Execute(const ExecutionInput& input,
                                        const std::function<void()>& tick) {
  Queue queue(input);
  std::vector<ChunkWorker> workers;
  workers.reserve(input.threads);
  for (int i = 0; i < input.threads; ++i) workers.emplace_back(input);
  ExecutionResult result;
  {
    const Writeback writeback(input.outputs);
    result.threads = RunCrew(
        input.threads, [&](int number) { Work(workers[number], queue); }, tick);
  }
  RETURN_IF_ERROR(queue.status());
  result.output_seconds.resize(input.outputs.size());
  for (const ChunkWorker& worker : workers) {
    for (size_t i = 0; i < result.output_seconds.size(); ++i) {
      result.output_seconds[i] += worker.output_nanoseconds()[i] * 1e-9;
    }
  }
  return result;
}

}  // namespace make_gguf
