#include "tools/engine/job_plan.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/human_text.h"
#include "base/process_stats.h"
#include "base/status_macros.h"
#include "base/user_path.h"
#include "quant/file_type.h"
#include "quant/mix.h"
#include "tools/engine/imatrix.h"
#include "tools/engine/job_spec.h"
#include "tools/engine/machine.h"

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
absl::Status PlanMemory(JobPlan& plan) {
  const Execution& execution = plan.spec.execution();
  const uint64_t used =
      base::ResidentMemory() + kChunkOverhead * plan.work.chunks.size();
  const uint64_t per_thread =
      MemoryPerThread(plan.work) +
      converters::TensorReader::Memory(plan.model.plan) + kThreadOverhead;
  const uint64_t limit =
      execution.memory_limit_bytes() > 0
          ? execution.memory_limit_bytes()
          : std::max(kDefaultMemoryLimit,
                     used + execution.threads() * per_thread);
  const uint64_t free = limit > used ? limit - used : 0;
  if (free < per_thread) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the memory limit of ", base::BytesText(limit), " is too small: ",
        base::BytesText(used), " are in use after planning and a thread needs ",
        base::BytesText(per_thread), "; raise --memory_limit"));
  }
  plan.threads = static_cast<int>(
      std::min<uint64_t>(execution.threads(), free / per_thread));
  const uint64_t rest = free - plan.threads * per_thread;
  plan.pending_limit = std::min(kMaxPending, rest / plan.outputs.size());
  plan.planned_peak = std::max(base::PeakMemory(),
                               used + plan.threads * per_thread +
                                   plan.outputs.size() * plan.pending_limit);
  return absl::OkStatus();
}

// What the importance weights may take.
uint64_t RoomForImportance(const Execution& execution) {
  const uint64_t limit = execution.memory_limit_bytes();
  if (limit == 0) return std::numeric_limits<uint64_t>::max();
  return limit - std::min(limit, base::ResidentMemory());
}

absl::Status LoadImportance(JobPlan& plan) {
  plan.options.importance.resize(plan.model.plan.tensors.size());
  const std::string& path = plan.spec.imatrix();
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      ImportanceMatrix matrix,
      ReadImportanceMatrix(base::UserPath(path), plan.model.plan,
                           RoomForImportance(plan.spec.execution())));
  plan.options.quantized_metadata = ImportanceMetadata(matrix, path);
  plan.options.importance = std::move(matrix.table);
  if (!matrix.missing.empty()) {
    plan.model.plan.warnings.push_back(
        {"imatrix-incomplete",
         absl::StrCat(path, ": no importance weights for ",
                      matrix.missing.size(),
                      " of the tensors that may be quantized: ",
                      absl::StrJoin(matrix.missing, ", "))});
  }
  return absl::OkStatus();
}

absl::Status PlanOutputs(JobPlan& plan) {
  ASSIGN_OR_RETURN(const std::vector<const quant::FileType*> types,
                   WantedFileTypes(plan.spec));
  plan.options.intermediate = plan.spec.intermediate();
  ASSIGN_OR_RETURN(plan.options.mix, OverridesOf(plan.spec.mix()));
  plan.options.mix.has_importance = !plan.spec.imatrix().empty();
  plan.options.allow_requantize = plan.spec.allow_requantize();
  plan.options.split.max_bytes = plan.spec.split().max_bytes();
  plan.options.split.max_tensors = plan.spec.split().max_tensors();
  plan.options.split.no_tensor_first_split =
      plan.spec.split().no_tensor_first_split();
  for (const quant::FileType* type : types) {
    ASSIGN_OR_RETURN(std::vector<OutputPlan> outputs,
                     PlanOutput(plan.model.plan, *type, plan.options,
                                OutputPath(plan.spec, type->name)));
    std::move(outputs.begin(), outputs.end(), std::back_inserter(plan.outputs));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JobPlan> Plan(const JobSpec& spec) {
  JobSpec complete = spec;
  RETURN_IF_ERROR(FillDefaults(complete));
  // A bad spec should not have to wait for the model.
  RETURN_IF_ERROR(ValidateSpec(complete));
  DescriptorLimit();  // raises it: a model may have a thousand files
  ASSIGN_OR_RETURN(LoadedModel model, LoadModel(complete));
  return Plan(complete, std::move(model));
}

absl::StatusOr<JobPlan> Plan(const JobSpec& spec, LoadedModel model) {
  JobPlan plan;
  plan.spec = spec;
  RETURN_IF_ERROR(FillDefaults(plan.spec));
  RETURN_IF_ERROR(ValidateSpec(plan.spec));
  plan.model = std::move(model);
  RETURN_IF_ERROR(LoadImportance(plan));
  RETURN_IF_ERROR(PlanOutputs(plan));
  plan.chunk_weights = ChunkWeights(plan.spec, plan.model.plan);
  RETURN_IF_ERROR(PlanWork(plan));
  return plan;
}

absl::Status PlanWork(JobPlan& plan) {
  plan.work = MakeWorkList(plan.model.plan, plan.outputs,
                           plan.options.importance, plan.chunk_weights);
  return PlanMemory(plan);
}

}  // namespace make_gguf
