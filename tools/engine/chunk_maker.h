// File: tools/engine/chunk_maker.h
//
// Makes chunks of a plan: from the source's weights to the bytes of each form
// that an output wants. Pure: knows no file, no journal and no other chunk, so
// that any thread, or any machine that has the plan and the weights, makes the
// same bytes.

#ifndef TOOLS_ENGINE_CHUNK_MAKER_H_
#define TOOLS_ENGINE_CHUNK_MAKER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tools/engine/job_plan.h"
#include "tools/engine/work_list.h"

namespace make_gguf {

// A part of a chunk that stays in a core's cache, in one of its forms.
struct Tile {
  const TensorWork& work;
  const Variant& variant;
  uint64_t first = 0;               // weight within the tensor
  absl::Span<const float> values;   // that were quantized
  absl::Span<const uint8_t> bytes;  // what became of them
};

// Holds the buffers of one thread.
class ChunkMaker {
 public:
  // Sees each tile in each form that is not copied, when it is made: the place
  // for statistics.
  using TileHook = std::function<void(const Tile&)>;

  // `plan` and `stop`, which ends a chunk after the present tile, outlive it.
  ChunkMaker(const JobPlan& plan, const std::atomic<bool>& stop,
             TileHook hook = nullptr);

  // Fills forms[v] with the bytes of the chunk in its tensor's variant number
  // v; `forms` has at least so many.
  // Errors: Stopped(); InvalidArgument, blamed on the input, for a weight that
  // is not finite or, where an output wants F16, not in its range, naming
  // tensor, file, row and column; errors of the source.
  absl::Status Make(const Chunk& chunk,
                    std::vector<std::vector<uint8_t>>& forms);

  uint64_t bytes_read() const { return bytes_read_; }
  // Thread time spent on each output's quantization so far, in nanoseconds;
  // what several outputs share is divided between them.
  absl::Span<const uint64_t> output_nanoseconds() const { return nanoseconds_; }

 private:
  absl::Status MakeTile(const TensorWork& work, const Chunk& chunk,
                        uint64_t done, absl::Span<float> values,
                        std::vector<std::vector<uint8_t>>& forms);
  absl::Status CopyStored(const TensorWork& work, const Variant& variant,
                          uint64_t first, absl::Span<uint8_t> out);
  absl::Status CheckValues(const TensorWork& work, uint64_t first,
                           absl::Span<const float> values) const;
  void Quantize(const TensorWork& work, const Variant& variant, uint64_t first,
                absl::Span<const float> values, absl::Span<uint8_t> out);

  const JobPlan& plan_;
  const std::atomic<bool>& stop_;
  const TileHook hook_;
  converters::TensorReader reader_;
  std::vector<float> values_;
  uint64_t bytes_read_ = 0;
  std::vector<uint64_t> nanoseconds_;
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_CHUNK_MAKER_H_
