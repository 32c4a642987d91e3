#include "tools/executor.h"

#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "tools/chunk_worker.h"

namespace make_gguf {
namespace {

// The chunks still to be taken, and the first error.
class Queue {
 public:
  explicit Queue(const ExecutionInput& input) : input_(input) {}

  // The next chunk's number; false if there is none or the work has to end.
  bool Next(uint32_t& index) {
    if (failed_ || *input_.stop) return false;
    index = next_.fetch_add(1);
    return index < input_.work->chunks.size();
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
    if (status_.ok() && *input_.stop) return absl::CancelledError("stopped");
    return status_;
  }

 private:
  const ExecutionInput& input_;
  std::atomic<uint32_t> next_{0};
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

uint64_t MemoryPerThread(const WorkList& work) {
  uint64_t tile = 0;
  for (const TensorWork& tensor : work.tensors) {
    tile = std::max(
        tile, std::min(TileWeights(tensor, kTileWeights), tensor.weights));
  }
  // The values, their rounded form, and the reader's shuffled rows.
  return 3 * tile * sizeof(float) + work.max_chunk_bytes;
}

absl::StatusOr<ExecutionResult> Execute(const ExecutionInput& input) {
  Queue queue(input);
  std::vector<ChunkWorker> workers;
  workers.reserve(input.threads);
  for (int i = 0; i < input.threads; ++i) workers.emplace_back(input);
  std::vector<std::thread> threads;
  threads.reserve(input.threads);
  for (ChunkWorker& worker : workers) {
    threads.emplace_back([&worker, &queue] { Work(worker, queue); });
  }
  for (std::thread& thread : threads) thread.join();
  absl::Status status = queue.status();
  if (!status.ok()) return status;
  ExecutionResult result;
  result.output_seconds.resize(input.outputs.size());
  for (const ChunkWorker& worker : workers) {
    for (size_t i = 0; i < result.output_seconds.size(); ++i) {
      result.output_seconds[i] += worker.output_nanoseconds()[i] * 1e-9;
    }
  }
  return result;
}

}  // namespace make_gguf
