// File: tools/engine/counters.h
//
// What a running job has done so far, counted by its workers and read by the
// thread that tells it to the observer.

#ifndef TOOLS_ENGINE_COUNTERS_H_
#define TOOLS_ENGINE_COUNTERS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace make_gguf {

// Each exact, but not taken at one instant.
struct Counters {
  std::atomic<uint64_t> weights_done{0};  // finished, resumed ones included
  std::atomic<uint64_t> weights_resumed{0};
  std::atomic<uint64_t> bytes_read{0};
  std::atomic<uint64_t> bytes_written{0};
  std::atomic<uint64_t> bytes_resumed{0};
  std::atomic<size_t> tensor{0};  // being worked on, in ModelPlan::tensors
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_COUNTERS_H_
