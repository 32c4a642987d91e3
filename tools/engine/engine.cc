#include "tools/engine/engine.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/process_stats.h"
#include "base/status_macros.h"
#include "tools/engine/counters.h"
#include "tools/engine/executor.h"
#include "tools/engine/job_outputs.h"
#include "tools/engine/job_report.h"
#include "tools/engine/output_file.h"

namespace make_gguf {
namespace {

// One run of a job: its plan, its outputs, and who is told of it.
class Running {
 public:
  Running(const JobPlan& plan, const Observer& observer,
          const std::atomic<bool>& stop, JobOutputs& outputs)
      : plan_(plan), observer_(observer), stop_(stop), outputs_(outputs) {}

  absl::StatusOr<JobReport> Run() {
    const auto start = std::chrono::steady_clock::now();
    TellStart();
    ASSIGN_OR_RETURN(const ExecutionResult result, Execute(Input(), [this] {
                       TellProgress(/*syncing=*/false);
                     }));
    if (result.threads < plan_.threads) {
      Warn({"fewer-threads", absl::StrCat("the system gave ", result.threads,
                                          " of ", plan_.threads, " threads")});
    }
    TellProgress(/*syncing=*/true);
    RETURN_IF_ERROR(outputs_.Commit(
        [this](size_t number) {
          if (observer_.finished) observer_.finished(ReportOfFile(number));
        },
        [this](const converters::Warning& warning) { Warn(warning); },
        [this] { TellProgress(/*syncing=*/true); }));
    JobReport report = Report(result);
    const std::chrono::duration<double> wall =
        std::chrono::steady_clock::now() - start;
    report.set_wall_seconds(wall.count());
    return report;
  }

 private:
  void Warn(const converters::Warning& warning) const {
    if (observer_.warning) observer_.warning(warning);
  }

  void TellStart() const {
    if (observer_.planned) observer_.planned(plan_);
    for (const converters::Warning& warning : plan_.model.plan.warnings) {
      Warn(warning);
    }
    const Journal* const journal = outputs_.journal();
    if (observer_.resumed && journal != nullptr &&
        (journal->resumed() || !journal->restart_reason().empty())) {
      observer_.resumed({journal->resumed(), plan_.work.chunks.size(),
                         journal->finished().size(),
                         journal->restart_reason()});
    }
    TellProgress(/*syncing=*/false);
  }

  void TellProgress(bool syncing) const {
    if (!observer_.progress) return;
    JobProgress progress;
    progress.weights_total = plan_.work.weights;
    progress.weights_done = counters_.weights_done;
    progress.weights_resumed = counters_.weights_resumed;
    progress.bytes_read = counters_.bytes_read;
    progress.bytes_written = counters_.bytes_written;
    progress.tensor = plan_.model.plan.tensors[counters_.tensor].name;
    progress.syncing = syncing;
    observer_.progress(progress);
  }

  ExecutionInput Input() {
    ExecutionInput input;
    input.plan = &plan_;
    input.outputs = outputs_.files();
    input.journal = outputs_.journal();
    input.stop = &stop_;
    input.counters = &counters_;
    return input;
  }

  OutputReport ReportOfFile(size_t number) const {
    OutputReport report = ReportOf(plan_.model.plan, plan_.outputs[number]);
    report.set_sha256(outputs_.files()[number]->sha256());
    return report;
  }

  // Of headers, which a job that goes on with another has not to write again.
  uint64_t HeaderBytesWritten() const {
    uint64_t bytes = 0;
    for (const std::unique_ptr<OutputFile>& file : outputs_.files()) {
      if (file->resumed() || file->complete()) continue;
      bytes += file->layout().header_size;
    }
    return bytes;
  }

  JobReport Report(const ExecutionResult& result) const {
    JobReport report;
    report.set_model(plan_.spec.model());
    report.set_architecture(plan_.model.plan.architecture);
    for (size_t i = 0; i < plan_.outputs.size(); ++i) {
      OutputReport& output = *report.add_outputs();
      output = ReportOfFile(i);
      output.set_compute_seconds(result.output_seconds[i]);
    }
    report.set_cpu_seconds(base::CpuSeconds());
    report.set_bytes_read(counters_.bytes_read);
    report.set_bytes_written(counters_.bytes_written + HeaderBytesWritten());
    report.set_bytes_resumed(counters_.bytes_resumed);
    report.set_planned_peak_memory(plan_.planned_peak);
    report.set_peak_memory(base::PeakMemory());
    for (const converters::Warning& warning : plan_.model.plan.warnings) {
      Warning& said = *report.add_warnings();
      said.set_code(warning.code);
      said.set_text(warning.text);
    }
    return report;
  }

  const JobPlan& plan_;
  const Observer& observer_;
  const std::atomic<bool>& stop_;
  JobOutputs& outputs_;
  Counters counters_;
};

// Keeps or removes what a job that did not come to its end has done, and adds
// that to what is said of it.
absl::Status EndUnfinished(const JobPlan& plan, JobOutputs& outputs,
                           absl::Status status) {
  if (base::BlameOf(status) == base::Blame::kInput ||
      !plan.spec.execution().resume() || outputs.journal() == nullptr) {
    outputs.Discard();
    return status;
  }
  // A file that has got in the way has to go first.
  const absl::string_view way_out =
      absl::IsAlreadyExists(status)
          ? "; what is done is kept: without that file, or with --overwrite, "
            "the same command goes on there"
          : "; what is done is kept: the same command goes on there";
  absl::Status kept(status.code(), absl::StrCat(status.message(), way_out));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    kept.SetPayload(url, payload);
  });
  return kept;
}

}  // namespace

absl::StatusOr<JobReport> Run(const JobPlan& plan, const Observer& observer,
                              const RunOptions& options) {
  static const std::atomic<bool> never{false};
  const std::atomic<bool>& stop =
      options.stop != nullptr ? *options.stop : never;
  ASSIGN_OR_RETURN(const std::unique_ptr<JobOutputs> outputs,
                   JobOutputs::Open(plan, stop, options));
  Running running(plan, observer, stop, *outputs);
  absl::StatusOr<JobReport> report = running.Run();
  if (report.ok()) return report;
  return EndUnfinished(plan, *outputs, report.status());
}

}  // namespace make_gguf
