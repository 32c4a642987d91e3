#include "tools/engine/chunk_maker.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "gguf/tensor_type.h"
#include "quant/quantize.h"
#include "tools/engine/blame.h"
#include "tools/engine/float_check.h"

namespace make_gguf {
namespace {

using converters::TensorPlan;

uint64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Bytes that reading `weights` weights of `tensor` takes from the source.
uint64_t SourceBytes(const TensorPlan& tensor,
                     const converters::TensorSource& source, uint64_t weights) {
  if (tensor.parts.empty() ||
      tensor.parts.front().view.source == converters::TensorView::kZeros) {
    return 0;
  }
  const converters::SourceTensor& from =
      source.tensors()[tensor.parts.front().view.source];
  return static_cast<uint64_t>(static_cast<double>(from.bytes) /
                               from.elements() * weights);
}

bool WantsF16(const TensorWork& work) {
  return std::any_of(
      work.variants.begin(), work.variants.end(), [](const Variant& variant) {
        return variant.rounded || variant.type == gguf::TensorType::kF16;
      });
}

bool AllCopied(const TensorWork& work) {
  return std::all_of(work.variants.begin(), work.variants.end(),
                     [](const Variant& variant) { return variant.copied; });
}

}  // namespace

ChunkMaker::ChunkMaker(const JobPlan& plan, const std::atomic<bool>& stop,
                       TileHook hook)
    : plan_(plan),
      stop_(stop),
      hook_(std::move(hook)),
      reader_(*plan.model.source),
      nanoseconds_(plan.outputs.size()) {}

absl::Status ChunkMaker::Make(const Chunk& chunk,
                              std::vector<std::vector<uint8_t>>& forms) {
  const TensorWork& work = plan_.work.tensors[chunk.work];
  for (size_t v = 0; v < work.variants.size(); ++v) {
    forms[v].resize(work.variants[v].Bytes(chunk.weights));
  }
  const uint64_t step = TileWeights(work, kTileWeights);
  values_.resize(
      std::max<size_t>(values_.size(), std::min(step, chunk.weights)));
  for (uint64_t done = 0; done < chunk.weights; done += step) {
    if (stop_) return Stopped();
    const uint64_t weights = std::min(step, chunk.weights - done);
    RETURN_IF_ERROR(MakeTile(work, chunk, done,
                             absl::MakeSpan(values_).first(weights), forms));
  }
  return absl::OkStatus();
}

absl::Status ChunkMaker::MakeTile(const TensorWork& work, const Chunk& chunk,
                                  uint64_t done, absl::Span<float> values,
                                  std::vector<std::vector<uint8_t>>& forms) {
  const TensorPlan& tensor = plan_.model.plan.tensors[work.tensor];
  const uint64_t first = chunk.first + done;
  const auto out = [&](size_t v) {
    return absl::MakeSpan(forms[v]).subspan(
        work.variants[v].Bytes(done), work.variants[v].Bytes(values.size()));
  };
  for (size_t v = 0; v < work.variants.size(); ++v) {
    if (!work.variants[v].copied) continue;
    RETURN_IF_ERROR(CopyStored(work, work.variants[v], first, out(v)));
  }
  if (AllCopied(work)) return absl::OkStatus();
  RETURN_IF_ERROR(
      reader_.Read(tensor, first, chunk.first + chunk.weights, values));
  RETURN_IF_ERROR(CheckValues(work, first, values));
  bytes_read_ += SourceBytes(tensor, *plan_.model.source, values.size());
  // Forms of the values as they are come first: then they are rounded in place.
  bool is_rounded = false;
  for (const bool rounded : {false, true}) {
    for (size_t v = 0; v < work.variants.size(); ++v) {
      const Variant& variant = work.variants[v];
      if (variant.copied || variant.rounded != rounded) continue;
      const uint64_t start = Now();
      if (rounded && !is_rounded) {
        quant::RoundToF16(values);
        is_rounded = true;
      }
      Quantize(work, variant, first, values, out(v));
      const uint64_t share = (Now() - start) / variant.destinations.size();
      for (const Destination& to : variant.destinations) {
        nanoseconds_[to.output] += share;
      }
      if (hook_) hook_({work, variant, first, values, out(v)});
    }
  }
  return absl::OkStatus();
}

absl::Status ChunkMaker::CopyStored(const TensorWork& work,
                                    const Variant& variant, uint64_t first,
                                    absl::Span<uint8_t> out) {
  const TensorPlan& tensor = plan_.model.plan.tensors[work.tensor];
  RETURN_IF_ERROR(plan_.model.source->ReadStored(
      tensor.parts.front().view.source, variant.Bytes(first), out));
  bytes_read_ += out.size();
  return absl::OkStatus();
}

absl::Status ChunkMaker::CheckValues(const TensorWork& work, uint64_t first,
                                     absl::Span<const float> values) const {
  const float limit = WantsF16(work) ? quant::kF16Overflow
                                     : std::numeric_limits<float>::infinity();
  const std::optional<size_t> bad = quant::FindNotBelow(limit, values);
  if (!bad.has_value()) return absl::OkStatus();
  return BlameInput(DescribeBadWeight(plan_.model.plan.tensors[work.tensor],
                                      *plan_.model.source, first + *bad,
                                      values[*bad]));
}

void ChunkMaker::Quantize(const TensorWork& work, const Variant& variant,
                          uint64_t first, absl::Span<const float> values,
                          absl::Span<uint8_t> out) {
  const std::vector<float>& importance = plan_.options.importance[work.tensor];
  if (importance.empty()) {
    // Blocks are independent of each other, so a part of a row may stand for
    // one.
    const uint64_t row_size = std::min<uint64_t>(work.row_size, values.size());
    const bool whole_rows = values.size() % row_size == 0;
    quant::QuantizeRows(variant.type, values,
                        whole_rows ? row_size : values.size(), {}, out);
    return;
  }
  // Each matrix of a stack of experts has importance weights of its own.
  const uint64_t matrices = importance.size() / work.row_size;
  const uint64_t matrix_weights = work.weights / matrices;
  while (!values.empty()) {
    const uint64_t matrix = first / matrix_weights;
    const uint64_t weights = std::min<uint64_t>(
        values.size(), (matrix + 1) * matrix_weights - first);
    const auto columns = absl::MakeConstSpan(importance)
                             .subspan(matrix * work.row_size, work.row_size);
    quant::QuantizeRows(variant.type, values.first(weights), work.row_size,
                        columns, out.first(variant.Bytes(weights)));
    values.remove_prefix(weights);
    out.remove_prefix(variant.Bytes(weights));
    first += weights;
  }
}

}  // namespace make_gguf
