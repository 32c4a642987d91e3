#include "tools/engine/chunk_worker.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "absl/crc/crc32c.h"
#include "absl/status/status.h"
#include "gguf/tensor_type.h"
#include "quant/quantize.h"
#include "tools/engine/blame.h"
#include "tools/engine/float_check.h"

namespace make_gguf {
namespace {

using converters::TensorPlan;

uint32_t Digest(absl::Span<const uint8_t> bytes) {
  return static_cast<uint32_t>(absl::ComputeCrc32c(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size())));
}

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

ChunkWorker::ChunkWorker(const ExecutionInput& input)
    : input_(input), nanoseconds_(input.outputs.size()) {}

absl::Status ChunkWorker::Process(uint32_t index) {
  const Chunk& chunk = input_.work->chunks[index];
  const TensorWork& work = input_.work->tensors[chunk.work];
  Counters& counters = *input_.counters;
  counters.tensor = work.tensor;
  const auto claimed = input_.journal->finished().find(index);
  if (claimed != input_.journal->finished().end()) {
    absl::StatusOr<bool> kept = KeepFinished(work, chunk, claimed->second);
    if (!kept.ok()) return kept.status();
    if (*kept) {
      counters.weights_resumed += chunk.weights;
      counters.weights_done += chunk.weights;
      return absl::OkStatus();
    }
  }
  absl::Status status = Make(work, chunk);
  if (status.ok()) status = WriteChunk(index, work, chunk);
  if (status.ok()) counters.weights_done += chunk.weights;
  return status;
}

absl::StatusOr<bool> ChunkWorker::KeepFinished(
    const TensorWork& work, const Chunk& chunk,
    absl::Span<const uint32_t> digests) {
  if (digests.size() != work.variants.size()) return false;
  // First everything is compared; only then is anything taken as written.
  forms_.resize(std::max(forms_.size(), work.variants.size()));
  for (size_t v = 0; v < work.variants.size(); ++v) {
    const Variant& variant = work.variants[v];
    forms_[v].resize(variant.Bytes(chunk.weights));
    for (const Destination& to : variant.destinations) {
      const OutputFile& output = *input_.outputs[to.output];
      if (!output.writer().resumed()) return false;
      absl::Status status = output.ReadBack(
          to.tensor, variant.Bytes(chunk.first), absl::MakeSpan(forms_[v]));
      if (!status.ok()) return status;
      if (Digest(forms_[v]) != digests[v]) return false;
    }
  }
  for (size_t v = 0; v < work.variants.size(); ++v) {
    const Variant& variant = work.variants[v];
    for (const Destination& to : variant.destinations) {
      absl::Status status = input_.outputs[to.output]->Keep(
          to.tensor, variant.Bytes(chunk.first), forms_[v]);
      if (!status.ok()) return status;
      input_.counters->bytes_resumed += forms_[v].size();
    }
  }
  return true;
}

absl::Status ChunkWorker::Make(const TensorWork& work, const Chunk& chunk) {
  forms_.resize(std::max(forms_.size(), work.variants.size()));
  for (size_t v = 0; v < work.variants.size(); ++v) {
    forms_[v].resize(work.variants[v].Bytes(chunk.weights));
  }
  const uint64_t step = TileWeights(work, kTileWeights);
  values_.resize(
      std::max<size_t>(values_.size(), std::min(step, chunk.weights)));
  for (uint64_t done = 0; done < chunk.weights; done += step) {
    if (*input_.stop) return Stopped();
    const uint64_t weights = std::min(step, chunk.weights - done);
    absl::Status status = MakeTile(work, chunk.first + done, chunk.first,
                                   absl::MakeSpan(values_).first(weights));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ChunkWorker::MakeTile(const TensorWork& work, uint64_t first,
                                   uint64_t chunk_first,
                                   absl::Span<float> values) {
  const TensorPlan& tensor = input_.model->tensors[work.tensor];
  absl::Status status = CopyStored(work, first, chunk_first, values.size());
  if (!status.ok() || AllCopied(work)) return status;
  status = converters::ReadTensor(*input_.source, tensor, first, values);
  if (status.ok()) status = CheckValues(work, first, values);
  if (!status.ok()) return status;
  input_.counters->bytes_read +=
      SourceBytes(tensor, *input_.source, values.size());
  bool is_rounded = false;
  for (size_t v = 0; v < work.variants.size(); ++v) {
    const Variant& variant = work.variants[v];
    if (variant.copied) continue;
    const uint64_t start = Now();
    if (variant.rounded && !is_rounded) {
      rounded_.assign(values.begin(), values.end());
      quant::RoundToF16(absl::MakeSpan(rounded_));
      is_rounded = true;
    }
    Quantize(
        work, variant, first,
        variant.rounded ? absl::MakeConstSpan(rounded_) : values,
        absl::MakeSpan(forms_[v]).subspan(variant.Bytes(first - chunk_first),
                                          variant.Bytes(values.size())));
    const uint64_t share = (Now() - start) / variant.destinations.size();
    for (const Destination& to : variant.destinations) {
      nanoseconds_[to.output] += share;
    }
  }
  return absl::OkStatus();
}

absl::Status ChunkWorker::CopyStored(const TensorWork& work, uint64_t first,
                                     uint64_t chunk_first, uint64_t weights) {
  const TensorPlan& tensor = input_.model->tensors[work.tensor];
  for (size_t v = 0; v < work.variants.size(); ++v) {
    const Variant& variant = work.variants[v];
    if (!variant.copied) continue;
    const uint64_t bytes = variant.Bytes(weights);
    absl::Status status = input_.source->ReadStored(
        tensor.parts.front().view.source, variant.Bytes(first),
        absl::MakeSpan(forms_[v]).subspan(variant.Bytes(first - chunk_first),
                                          bytes));
    if (!status.ok()) return status;
    input_.counters->bytes_read += bytes;
  }
  return absl::OkStatus();
}

absl::Status ChunkWorker::CheckValues(const TensorWork& work, uint64_t first,
                                      absl::Span<const float> values) const {
  const float limit = WantsF16(work) ? quant::kF16Overflow
                                     : std::numeric_limits<float>::infinity();
  const std::optional<size_t> bad = quant::FindNotBelow(limit, values);
  if (!bad.has_value()) return absl::OkStatus();
  return BlameInput(DescribeBadWeight(input_.model->tensors[work.tensor],
                                      *input_.source, first + *bad,
                                      values[*bad]));
}

void ChunkWorker::Quantize(const TensorWork& work, const Variant& variant,
                           uint64_t first, absl::Span<const float> values,
                           absl::Span<uint8_t> out) const {
  const std::vector<float>& importance = (*input_.importance)[work.tensor];
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

absl::Status ChunkWorker::WriteChunk(uint32_t index, const TensorWork& work,
                                     const Chunk& chunk) {
  ChunkDigests digests;
  for (size_t v = 0; v < work.variants.size(); ++v) {
    const Variant& variant = work.variants[v];
    digests.push_back(Digest(forms_[v]));
    for (const Destination& to : variant.destinations) {
      absl::Status status = input_.outputs[to.output]->Write(
          to.tensor, variant.Bytes(chunk.first), forms_[v]);
      if (!status.ok()) return status;
      input_.counters->bytes_written += forms_[v].size();
    }
  }
  return input_.journal->Add(index, digests);
}

}  // namespace make_gguf
