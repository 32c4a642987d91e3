#include "tools/run_job.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tools/executor.h"
#include "tools/job_outputs.h"
#include "tools/job_spec.h"
#include "tools/process_stats.h"
#include "tools/progress.h"
#include "tools/report.h"

namespace make_gguf {
namespace {

void PrintPlan(const PreparedJob& job, FILE* messages) {
  uint64_t bytes = 0;
  for (const OutputPlan& output : job.outputs) {
    bytes += output.layout.file_size;
  }
  absl::FPrintF(messages,
                "%s: %d tensors, %d weights; %d files, %s; %d threads, planned "
                "peak memory %s\n",
                job.spec.model(), job.model.plan.tensors.size(),
                job.work.weights, job.outputs.size(), BytesString(bytes),
                job.threads, BytesString(job.planned_peak));
  for (const std::string& warning : job.model.plan.warnings) {
    absl::FPrintF(messages, "warning: %s\n", warning);
  }
}

void PrintResume(const Journal& journal, size_t chunks, FILE* messages) {
  if (journal.resumed()) {
    absl::FPrintF(messages,
                  "going on with a stopped job: %d of %d chunks are done\n",
                  journal.finished().size(), chunks);
  } else if (!journal.restart_reason().empty()) {
    absl::FPrintF(messages,
                  "a stopped job can't be gone on with, starting over: %s\n",
                  journal.restart_reason());
  }
}

absl::StatusOr<ExecutionResult> ExecuteShown(const PreparedJob& job,
                                             const RunOptions& options,
                                             JobOutputs& outputs,
                                             Progress& progress) {
  ExecutionInput input;
  input.model = &job.model.plan;
  input.source = job.model.source.get();
  input.work = &job.work;
  input.importance = &job.importance;
  input.outputs = outputs.files();
  input.journal = &outputs.journal();
  input.threads = job.threads;
  static const std::atomic<bool> never{false};
  input.stop = options.stop != nullptr ? options.stop : &never;
  input.progress = &progress;
  Display display(
      options.display, options.messages, progress, job.work.weights,
      [&job](size_t tensor) { return job.model.plan.tensors[tensor].name; });
  return Execute(input);
}

// Whether the same job could come to another end if it were run again.
bool CanGoOn(const PreparedJob& job, const absl::Status& status) {
  return job.spec.execution().resume() &&
         status.code() != absl::StatusCode::kInvalidArgument;
}

JobReport MakeReport(const PreparedJob& job, const JobOutputs& outputs,
                     const ExecutionResult& result, const Progress& progress) {
  JobReport report;
  report.set_model(job.spec.model());
  report.set_architecture(job.model.plan.architecture);
  for (size_t i = 0; i < job.outputs.size(); ++i) {
    OutputReport& output = *report.add_outputs();
    output = ReportOf(job.model.plan, job.outputs[i]);
    output.set_sha256(outputs.files()[i]->sha256());
    output.set_compute_seconds(result.output_seconds[i]);
  }
  report.set_cpu_seconds(CpuSeconds());
  report.set_bytes_read(progress.bytes_read);
  report.set_bytes_written(progress.bytes_written);
  report.set_bytes_resumed(progress.bytes_resumed);
  report.set_planned_peak_memory(job.planned_peak);
  report.set_peak_memory(PeakMemory());
  for (const std::string& warning : job.model.plan.warnings) {
    report.add_warnings(warning);
  }
  return report;
}

}  // namespace

absl::StatusOr<JobReport> RunJob(const PreparedJob& job,
                                 const RunOptions& options) {
  const absl::Time start = absl::Now();
  absl::StatusOr<std::unique_ptr<JobOutputs>> outputs = JobOutputs::Open(job);
  if (!outputs.ok()) return outputs.status();
  PrintPlan(job, options.messages);
  PrintResume((*outputs)->journal(), job.work.chunks.size(), options.messages);
  Progress progress;
  absl::StatusOr<ExecutionResult> result =
      ExecuteShown(job, options, **outputs, progress);
  absl::Status status = result.status();
  if (status.ok()) status = (*outputs)->Commit();
  if (!status.ok()) {
    if (!CanGoOn(job, status)) (*outputs)->Discard();
    return status;
  }
  JobReport report = MakeReport(job, **outputs, *result, progress);
  report.set_wall_seconds(absl::ToDoubleSeconds(absl::Now() - start));
  return report;
}

}  // namespace make_gguf
