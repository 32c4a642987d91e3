// File: tools/engine/chunk_worker.h
//
// Does one chunk of a work list at a time: the body of an executor's thread.

#ifndef TOOLS_ENGINE_CHUNK_WORKER_H_
#define TOOLS_ENGINE_CHUNK_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tools/engine/executor.h"
#include "tools/engine/work_list.h"

namespace make_gguf {

// Holds the buffers of one thread.
class ChunkWorker {
 public:
  explicit ChunkWorker(const ExecutionInput& input);

  // Makes chunk number `index` and records it, or keeps it if the outputs
  // already hold what the journal says. Errors: those of Execute.
  absl::Status Process(uint32_t index);

  // Thread time spent on each output so far, in nanoseconds.
  absl::Span<const uint64_t> output_nanoseconds() const { return nanoseconds_; }

 private:
  // Whether every output holds the bytes that the journal claims.
  absl::StatusOr<bool> KeepFinished(const TensorWork& work, const Chunk& chunk,
                                    absl::Span<const uint32_t> digests);
  absl::Status Make(const TensorWork& work, const Chunk& chunk);
  absl::Status MakeTile(const TensorWork& work, uint64_t first,
                        uint64_t chunk_first, absl::Span<float> values);
  // Fills in the forms that are the source's bytes.
  absl::Status CopyStored(const TensorWork& work, uint64_t first,
                          uint64_t chunk_first, uint64_t weights);
  absl::Status CheckValues(const TensorWork& work, uint64_t first,
                           absl::Span<const float> values) const;
  void Quantize(const TensorWork& work, const Variant& variant, uint64_t first,
                absl::Span<const float> values, absl::Span<uint8_t> out) const;
  absl::Status WriteChunk(uint32_t index, const TensorWork& work,
                          const Chunk& chunk);

  const ExecutionInput& input_;
  std::vector<float> values_;
  std::vector<float> rounded_;
  std::vector<std::vector<uint8_t>> forms_;  // one per variant of the chunk
  std::vector<uint64_t> nanoseconds_;
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_CHUNK_WORKER_H_
