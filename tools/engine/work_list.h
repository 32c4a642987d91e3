// File: tools/engine/work_list.h
//
// The job as a list of independent chunks: a range of one tensor's weights,
// read once, made into each distinct form once, and written to every output
// that wants that form.

#ifndef TOOLS_ENGINE_WORK_LIST_H_
#define TOOLS_ENGINE_WORK_LIST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "gguf/tensor_type.h"
#include "tools/engine/planner.h"

namespace make_gguf {

// A place in an output for a tensor's data.
struct Destination {
  size_t output = 0;  // index in the list of outputs
  size_t tensor = 0;  // index in the output's list of tensors
};

// A form in which at least one output wants a tensor.
struct Variant : Form {
  std::vector<Destination> destinations;

  // Bytes of `weights` weights, a whole number of blocks.
  uint64_t Bytes(uint64_t weights) const;
};

struct TensorWork {
  size_t tensor = 0;  // index in ModelPlan::tensors
  std::vector<Variant> variants;
  uint64_t weights = 0;
  uint64_t row_size = 0;  // shape[0]
  // Rows may not be divided: a type's importance path looks at a whole row.
  bool whole_rows = false;
};

struct Chunk {
  uint32_t work = 0;   // index in WorkList::tensors
  uint64_t first = 0;  // weight within the tensor
  uint64_t weights = 0;
};

struct WorkList {
  std::vector<TensorWork> tensors;  // in the order of working
  std::vector<Chunk> chunks;        // tensor by tensor, ascending
  uint64_t weights = 0;

  // The most bytes of outputs that one chunk gives, over all variants.
  uint64_t max_chunk_bytes = 0;
  // The most weights that one chunk has.
  uint64_t max_chunk_weights = 0;
};

// Rows longer than this are divided where the types allow it.
inline constexpr uint64_t kMaxUndividedRow = uint64_t{1} << 18;

// Rows of a tensor with importance weights are not divided. Chunks have
// about `chunk_weights` weights, at least one row (or part of a long row).
// Tensors stand in the order of the quantized outputs if there are any, else of
// the converted ones, so that as many files as possible fill up from start to
// end.
WorkList MakeWorkList(const converters::ModelPlan& model,
                      absl::Span<const OutputPlan> outputs,
                      const ImportanceTable& importance,
                      uint64_t chunk_weights);

// The weights of a tile, the part of a chunk that stays in cache between
// reading and quantizing: whole rows if a row fits, else a part of a row that
// is whole in blocks.
uint64_t TileWeights(const TensorWork& work, uint64_t target);

// Weights per tile: two F32 copies of it fit the second-level cache of the
// usual core.
inline constexpr uint64_t kTileWeights = uint64_t{1} << 15;

// Bytes of memory that one thread needs for this work.
uint64_t MemoryPerThread(const WorkList& work);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_WORK_LIST_H_
