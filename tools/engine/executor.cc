#include "tools/engine/executor.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/blame.h"
#include "base/status_macros.h"
#include "tools/engine/chunk_maker.h"
#include "tools/engine/chunk_sink.h"
#include "tools/engine/crew.h"

namespace make_gguf {
namespace {

// How much is fetched from the disk ahead of the threads that will read it, and
// how often it is looked how far they are.
constexpr uint64_t kPrefetchWeights = uint64_t{16} << 20;
constexpr absl::Duration kPrefetchInterval = absl::Milliseconds(5);
// Long enough for the disk to get large pieces, short enough for little to be
// left at the end.
constexpr absl::Duration kWritebackInterval = absl::Milliseconds(250);

// The chunks still to be taken, and the first error.
class Queue {
 public:
  Queue(uint32_t chunks, const std::atomic<bool>& stop)
      : chunks_(chunks), stop_(stop) {}

  // The next chunk's number; false if there is none or the work has to end.
  bool Next(uint32_t& index) {
    if (failed_ || stop_) return false;
    index = next_.fetch_add(1);
    return index < chunks_;
  }
  // All chunks before it have been taken.
  uint32_t next() const { return next_; }

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
    return status_.ok() && stop_ ? base::Stopped() : status_;
  }

 private:
  const uint32_t chunks_;
  const std::atomic<bool>& stop_;
  std::atomic<uint32_t> next_{0};
  std::atomic<bool> failed_{false};
  absl::Mutex mutex_;
  uint32_t failed_index_ ABSL_GUARDED_BY(mutex_) =
      std::numeric_limits<uint32_t>::max();
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

// Announces the chunks that come next to the source, so that the disk reads
// while the threads compute. Not for them to do: the system may have no memory
// at hand for what it is to read, and lets the one who asks wait.
class Prefetcher {
 public:
  Prefetcher(const JobPlan& plan, const Queue& queue, const ChunkSink& sink)
      : plan_(plan), queue_(queue), sink_(sink) {}

  void Announce() {
    const std::vector<Chunk>& chunks = plan_.work.chunks;
    for (; taken_ < queue_.next() && taken_ < chunks.size(); ++taken_) {
      ahead_ -= taken_ < announced_ ? chunks[taken_].weights : 0;
    }
    if (announced_ < taken_) announced_ = taken_;
    for (; announced_ < chunks.size() && ahead_ < kPrefetchWeights;
         ++announced_) {
      const Chunk& chunk = chunks[announced_];
      ahead_ += chunk.weights;
      if (sink_.Claimed(announced_)) continue;
      const size_t tensor = plan_.work.tensors[chunk.work].tensor;
      converters::PrefetchTensor(*plan_.model.source,
                                 plan_.model.plan.tensors[tensor], chunk.first,
                                 chunk.weights);
    }
  }

 private:
  const JobPlan& plan_;
  const Queue& queue_;
  const ChunkSink& sink_;
  uint32_t taken_ = 0;      // all before it
  uint32_t announced_ = 0;  // all before it
  uint64_t ahead_ = 0;      // weights from one to the other
};

// One thread's work: chunks until none is left.
class Worker {
 public:
  Worker(const ExecutionInput& input, ChunkSink& sink, size_t most_forms)
      : input_(input),
        sink_(sink),
        maker_(*input.plan, *input.stop),
        forms_(most_forms) {}

  void Run(Queue& queue) {
    uint32_t index;
    while (queue.Next(index)) {
      absl::Status status = Process(index);
      if (!status.ok()) return queue.Fail(index, status);
    }
  }

  const ChunkMaker& maker() const { return maker_; }

 private:
  absl::Status Process(uint32_t index) {
    const Chunk& chunk = input_.plan->work.chunks[index];
    Counters& counters = *input_.counters;
    counters.tensor = input_.plan->work.tensors[chunk.work].tensor;
    ASSIGN_OR_RETURN(const bool kept, sink_.Keep(index, forms_));
    if (kept) {
      counters.weights_resumed += chunk.weights;
    } else {
      const uint64_t read_before = maker_.bytes_read();
      RETURN_IF_ERROR(maker_.Make(chunk, forms_));
      counters.bytes_read += maker_.bytes_read() - read_before;
      RETURN_IF_ERROR(sink_.Write(index, forms_));
    }
    counters.weights_done += chunk.weights;
    return absl::OkStatus();
  }

  const ExecutionInput& input_;
  ChunkSink& sink_;
  ChunkMaker maker_;
  std::vector<std::vector<uint8_t>> forms_;
};

size_t MostForms(const WorkList& work) {
  size_t most = 0;
  for (const TensorWork& tensor : work.tensors) {
    most = std::max(most, tensor.variants.size());
  }
  return most;
}

}  // namespace

absl::StatusOr<ExecutionResult> Execute(const ExecutionInput& input,
                                        const std::function<void()>& tick) {
  const JobPlan& plan = *input.plan;
  Queue queue(static_cast<uint32_t>(plan.work.chunks.size()), *input.stop);
  ChunkSink sink(plan.work, input.outputs, input.journal, *input.counters);
  std::vector<Worker> workers;
  workers.reserve(plan.threads);
  for (int i = 0; i < plan.threads; ++i) {
    workers.emplace_back(input, sink, MostForms(plan.work));
  }
  ExecutionResult result;
  {
    Prefetcher prefetcher(plan, queue, sink);
    prefetcher.Announce();
    const Repeater prefetching(kPrefetchInterval,
                               [&] { prefetcher.Announce(); });
    // Otherwise the system would keep most of the bytes in memory, and the sync
    // at the end would wait for all of them at once, with every core idle.
    const Repeater writeback(kWritebackInterval, [&] {
      for (const auto& output : input.outputs) output->StartWriteback();
    });
    result.threads = RunCrew(
        plan.threads, [&](int number) { workers[number].Run(queue); }, tick);
  }
  RETURN_IF_ERROR(queue.status());
  result.output_seconds.resize(input.outputs.size());
  for (const Worker& worker : workers) {
    for (size_t i = 0; i < result.output_seconds.size(); ++i) {
      result.output_seconds[i] += worker.maker().output_nanoseconds()[i] * 1e-9;
    }
  }
  return result;
}

}  // namespace make_gguf
