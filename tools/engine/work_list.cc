#include "tools/engine/work_list.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace make_gguf {
namespace {

// A multiple of every type's block size.
constexpr uint64_t kBlockMultiple = 256;

void AddDestination(const OutputTensor& tensor, const Destination& destination,
                    TensorWork& work) {
  Form form = tensor;
  // F16 values are the same whether they were rounded before or are only now.
  if (form.type == gguf::TensorType::kF16) form.rounded = false;
  for (Variant& variant : work.variants) {
    if (static_cast<const Form&>(variant) == form) {
      variant.destinations.push_back(destination);
      return;
    }
  }
  work.variants.push_back({form, {destination}});
}

constexpr size_t kNowhere = std::numeric_limits<size_t>::max();

// Adds what the outputs of one order want.
void AddOutputs(const converters::ModelPlan& model,
                absl::Span<const OutputPlan> outputs, bool quantizer_order,
                const ImportanceTable& importance,
                std::vector<size_t>& position, WorkList& list) {
  for (size_t o = 0; o < outputs.size(); ++o) {
    if (outputs[o].quantizer_order != quantizer_order) continue;
    for (size_t i = 0; i < outputs[o].tensors.size(); ++i) {
      const OutputTensor& tensor = outputs[o].tensors[i];
      if (position[tensor.tensor] == kNowhere) {
        const converters::TensorPlan& plan = model.tensors[tensor.tensor];
        position[tensor.tensor] = list.tensors.size();
        list.tensors.push_back(
            {.tensor = tensor.tensor,
             .variants = {},
             .weights = plan.elements(),
             .row_size = plan.shape[0],
             .whole_rows = !importance[tensor.tensor].empty()});
      }
      AddDestination(tensor, {o, i}, list.tensors[position[tensor.tensor]]);
    }
  }
}

void AddChunks(uint32_t index, uint64_t target, WorkList& list) {
  const TensorWork& work = list.tensors[index];
  const uint64_t step = TileWeights(work, target);
  for (uint64_t first = 0; first < work.weights; first += step) {
    const uint64_t weights = std::min(step, work.weights - first);
    list.chunks.push_back({index, first, weights});
    uint64_t bytes = 0;
    for (const Variant& variant : work.variants)
      bytes += variant.Bytes(weights);
    list.max_chunk_bytes = std::max(list.max_chunk_bytes, bytes);
    list.max_chunk_weights = std::max(list.max_chunk_weights, weights);
  }
}

}  // namespace

uint64_t Variant::Bytes(uint64_t weights) const {
  const gguf::TensorTypeTraits& traits = gguf::Traits(type);
  return weights / traits.block_size * traits.block_bytes;
}

uint64_t TileWeights(const TensorWork& work, uint64_t target) {
  const bool divide = !work.whole_rows && work.row_size > kMaxUndividedRow;
  const uint64_t unit = divide ? kBlockMultiple : work.row_size;
  return std::max(unit, target / unit * unit);
}

WorkList MakeWorkList(const converters::ModelPlan& model,
                      absl::Span<const OutputPlan> outputs,
                      const ImportanceTable& importance,
                      uint64_t chunk_weights) {
  WorkList list;
  std::vector<size_t> position(model.tensors.size(), kNowhere);
  for (const bool quantizer_order : {true, false}) {
    AddOutputs(model, outputs, quantizer_order, importance, position, list);
  }
  for (uint32_t i = 0; i < list.tensors.size(); ++i) {
    AddChunks(i, chunk_weights, list);
    list.weights += list.tensors[i].weights;
  }
  return list;
}

uint64_t MemoryPerThread(const WorkList& work) {
  uint64_t tile = 0;
  for (const TensorWork& tensor : work.tensors) {
    tile = std::max(
        tile, std::min(TileWeights(tensor, kTileWeights), tensor.weights));
  }
  // The values, and what the reader puts in order.
  return 2 * tile * sizeof(float) + work.max_chunk_bytes;
}

}  // namespace make_gguf
