#include "tools/engine/run_job.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/process_stats.h"
#include "converters/warning.h"
#include "tools/engine/executor.h"
#include "tools/engine/job_outputs.h"
#include "tools/engine/output_file.h"
#include "tools/engine/progress.h"
#include "tools/events.h"
#include "tools/report.h"

namespace make_gguf {
namespace {

void ShowStart(const PreparedJob& job, const Journal& journal,
               Display& display) {
  display.Show(PlanEvent(job));
  for (const converters::Warning& warning : job.model.plan.warnings) {
    display.Show(WarningEvent(warning));
  }
  display.Show(ResumeEvent(journal, job.work.chunks.size()));
}

ExecutionInput InputOf(const PreparedJob& job, JobOutputs& outputs,
                       const std::atomic<bool>& stop, Progress& progress) {
  ExecutionInput input;
  input.model = &job.model.plan;
  input.source = job.model.source.get();
  input.work = &job.work;
  input.importance = &job.importance;
  input.outputs = outputs.files();
  input.journal = &outputs.journal();
  input.threads = job.threads;
  input.stop = &stop;
  input.progress = &progress;
  return input;
}

OutputReport ReportOfFile(const PreparedJob& job, const JobOutputs& outputs,
                          size_t number) {
  OutputReport report = ReportOf(job.model.plan, job.outputs[number]);
  report.set_sha256(outputs.files()[number]->sha256());
  return report;
}

// Of headers, which a job that goes on with another has not to write again.
uint64_t HeaderBytesWritten(const JobOutputs& outputs) {
  uint64_t bytes = 0;
  for (const std::unique_ptr<OutputFile>& file : outputs.files()) {
    if (!file->writer().resumed()) bytes += file->writer().layout().header_size;
  }
  return bytes;
}

JobReport MakeReport(const PreparedJob& job, const JobOutputs& outputs,
                     const ExecutionResult& result, const Progress& progress) {
  JobReport report;
  report.set_model(job.spec.model());
  report.set_architecture(job.model.plan.architecture);
  for (size_t i = 0; i < job.outputs.size(); ++i) {
    OutputReport& output = *report.add_outputs();
    output = ReportOfFile(job, outputs, i);
    output.set_compute_seconds(result.output_seconds[i]);
  }
  report.set_cpu_seconds(base::CpuSeconds());
  report.set_bytes_read(progress.bytes_read);
  report.set_bytes_written(progress.bytes_written +
                           HeaderBytesWritten(outputs));
  report.set_bytes_resumed(progress.bytes_resumed);
  report.set_planned_peak_memory(job.planned_peak);
  report.set_peak_memory(base::PeakMemory());
  for (const converters::Warning& warning : job.model.plan.warnings) {
    Warning& said = *report.add_warnings();
    said.set_code(warning.code);
    said.set_text(warning.text);
  }
  return report;
}

// Keeps or removes what a job that did not come to its end has done, and adds
// that to what is said of it.
absl::Status EndUnfinished(const PreparedJob& job, JobOutputs& outputs,
                           const absl::Status& status) {
  // The same input would come to the same end.
  const bool in_input = absl::IsInvalidArgument(status);
  if (in_input || !job.spec.execution().resume()) {
    outputs.Discard();
    return status;
  }
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(),
                   "; what is done is kept: the same command goes on there"));
}

}  // namespace

absl::StatusOr<JobReport> RunJob(const PreparedJob& job,
                                 const RunOptions& options) {
  static const std::atomic<bool> never{false};
  const std::atomic<bool>& stop =
      options.stop != nullptr ? *options.stop : never;
  const absl::Time start = absl::Now();
  absl::StatusOr<std::unique_ptr<JobOutputs>> outputs =
      JobOutputs::Open(job, stop, *options.file_ops);
  if (!outputs.ok()) return outputs.status();
  Progress progress;
  Display display(
      options.display, options.messages, progress, job.work.weights,
      [&job](size_t tensor) { return job.model.plan.tensors[tensor].name; });
  ShowStart(job, (*outputs)->journal(), display);
  absl::StatusOr<ExecutionResult> result =
      Execute(InputOf(job, **outputs, stop, progress));
  absl::Status status = result.status();
  if (status.ok()) {
    progress.syncing = true;
    display.ShowProgressNow();
    status = (*outputs)->Commit([&](size_t number) {
      display.Show(FinishedEvent(ReportOfFile(job, **outputs, number)));
    });
  }
  display.Finish();
  if (!status.ok()) return EndUnfinished(job, **outputs, status);
  JobReport report = MakeReport(job, **outputs, *result, progress);
  report.set_wall_seconds(absl::ToDoubleSeconds(absl::Now() - start));
  return report;
}

}  // namespace make_gguf
