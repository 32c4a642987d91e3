#include "tools/engine/prepare.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/process_stats.h"
#include "base/user_path.h"
#include "quant/file_type.h"
#include "quant/mix.h"
#include "tools/engine/imatrix.h"
#include "tools/engine/job_spec.h"

namespace make_gguf {
namespace {

// The unit of work, of writing and of the journal. Small, so that little is
// lost when a job is stopped, and the same whatever the number of threads and
// the memory, so that neither keeps a job from going on.
constexpr uint64_t kChunkWeights = uint64_t{1} << 18;
// Larger models have larger chunks, so that what is kept of each chunk takes a
// bounded amount of memory. A model of 70 billion weights has about so many.
constexpr uint64_t kMostChunks = uint64_t{1} << 18;

// For a job that sets no limit, and whose plan leaves its threads room in it.
constexpr uint64_t kDefaultMemoryLimit = uint64_t{256} << 20;
// Per thread, for its stack and what libraries allocate.
constexpr uint64_t kThreadOverhead = uint64_t{1} << 20;
// Per chunk, for what the journal of a stopped job says of it.
constexpr uint64_t kChunkOverhead = 128;
// What an output's digest may keep in memory, if the limit allows it.
constexpr uint64_t kMaxPending = uint64_t{16} << 20;

uint64_t ChunkWeights(const JobSpec& spec, const converters::ModelPlan& model) {
  if (spec.execution().chunk_weights() > 0) {
    return spec.execution().chunk_weights();
  }
  uint64_t weights = 0;
  for (const converters::TensorPlan& tensor : model.tensors) {
    weights += tensor.elements();
  }
  uint64_t chunk = kChunkWeights;
  while (weights / chunk > kMostChunks) chunk *= 2;
  return chunk;
}

// Divides the memory that the limit leaves among threads and digests.
absl::Status PlanMemory(PreparedJob& job) {
  const Execution& execution = job.spec.execution();
  const uint64_t used =
      base::ResidentMemory() + kChunkOverhead * job.work.chunks.size();
  const uint64_t per_thread = MemoryPerThread(job.work) + kThreadOverhead;
  const uint64_t limit =
      execution.memory_limit_bytes() > 0
          ? execution.memory_limit_bytes()
          : std::max(kDefaultMemoryLimit,
                     used + execution.threads() * per_thread);
  const uint64_t free = limit > used ? limit - used : 0;
  if (free < per_thread) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the memory limit of ", BytesString(limit), " is too small: ",
        BytesString(used), " are in use after planning and a thread needs ",
        BytesString(per_thread), "; raise --memory_limit"));
  }
  job.threads = static_cast<int>(
      std::min<uint64_t>(execution.threads(), free / per_thread));
  const uint64_t rest = free - job.threads * per_thread;
  job.pending_limit = std::min(kMaxPending, rest / job.outputs.size());
  job.planned_peak =
      std::max(base::PeakMemory(), used + job.threads * per_thread +
                                       job.outputs.size() * job.pending_limit);
  return absl::OkStatus();
}

absl::Status LoadImportance(PreparedJob& job) {
  job.importance.resize(job.model.plan.tensors.size());
  const std::string& path = job.spec.imatrix();
  if (path.empty()) return absl::OkStatus();
  absl::StatusOr<ImportanceMatrix> matrix =
      ReadImportanceMatrix(base::UserPath(path));
  if (!matrix.ok()) return matrix.status();
  job.options.quantized_metadata = ImportanceMetadata(*matrix, path);
  absl::StatusOr<MatchedImportance> matched =
      MatchImportance(*std::move(matrix), job.model.plan);
  if (!matched.ok()) {
    return absl::Status(matched.status().code(),
                        absl::StrCat(path, ": ", matched.status().message()));
  }
  job.importance = std::move(matched->table);
  if (!matched->missing.empty()) {
    job.model.plan.warnings.push_back(
        {"imatrix-incomplete",
         absl::StrCat(path, ": no importance weights for ",
                      matched->missing.size(),
                      " of the tensors that may be quantized: ",
                      absl::StrJoin(matched->missing, ", "))});
  }
  return absl::OkStatus();
}

absl::Status PlanOutputs(PreparedJob& job) {
  absl::StatusOr<std::vector<const quant::FileType*>> types =
      WantedFileTypes(job.spec);
  if (!types.ok()) return types.status();
  absl::StatusOr<quant::MixOverrides> mix = OverridesOf(job.spec.mix());
  if (!mix.ok()) return mix.status();
  job.options.intermediate = job.spec.intermediate();
  job.options.mix = *std::move(mix);
  job.options.mix.has_importance = !job.spec.imatrix().empty();
  job.options.allow_requantize = job.spec.allow_requantize();
  job.options.split.max_bytes = job.spec.split().max_bytes();
  job.options.split.max_tensors = job.spec.split().max_tensors();
  job.options.split.no_tensor_first_split =
      job.spec.split().no_tensor_first_split();
  for (const std::vector<float>& weights : job.importance) {
    job.options.has_importance.push_back(!weights.empty());
  }
  for (const quant::FileType* type : *types) {
    absl::StatusOr<std::vector<OutputPlan>> outputs = PlanOutput(
        job.model.plan, *type, job.options, OutputPath(job.spec, type->name));
    if (!outputs.ok()) return outputs.status();
    for (OutputPlan& output : *outputs) {
      job.outputs.push_back(std::move(output));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PreparedJob> PrepareJob(const JobSpec& spec) {
  // A spec that names an unknown type should not have to wait for the model.
  absl::Status status = WantedFileTypes(spec).status();
  if (!status.ok()) return status;
  absl::StatusOr<LoadedModel> model = LoadModel(spec);
  if (!model.ok()) return model.status();
  return PrepareJob(spec, *std::move(model));
}

absl::StatusOr<PreparedJob> PrepareJob(const JobSpec& spec, LoadedModel model) {
  PreparedJob job;
  job.spec = spec;
  job.model = std::move(model);
  absl::Status status = LoadImportance(job);
  if (status.ok()) status = PlanOutputs(job);
  if (!status.ok()) return status;
  job.chunk_weights = ChunkWeights(spec, job.model.plan);
  job.work = MakeWorkList(job.model.plan, job.outputs,
                          job.options.has_importance, job.chunk_weights);
  status = PlanMemory(job);
  if (!status.ok()) return status;
  return job;
}

}  // namespace make_gguf
