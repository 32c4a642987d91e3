// make_gguf: converts a Hugging Face checkpoint to GGUF files. The flags are
// described in flags.cc; --help prints them.

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/program.h"
#include "converters/registry.h"
#include "converters/warning.h"
#include "tools/display.h"
#include "tools/engine/engine.h"
#include "tools/events.h"
#include "tools/flags.h"
#include "tools/hub_model.h"
#include "tools/report.h"

namespace make_gguf {
namespace {

std::string ListArchitectures() {
  std::string text;
  for (const converters::Converter* converter : converters::AllConverters()) {
    for (absl::string_view name : converter->huggingface_names()) {
      absl::StrAppendFormat(&text, "%-12s %s\n", converter->name(), name);
    }
  }
  return text;
}

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

absl::Status DryRun(const JobPlan& plan) {
  for (const OutputPlan& output : plan.outputs) {
    Print(DescribeOutput(plan.model.plan, output));
  }
  Print(absl::StrCat(PlanEvent(plan).text, "\n"));
  for (const converters::Warning& warning : plan.model.plan.warnings) {
    absl::FPrintF(stderr, "%s\n", WarningEvent(warning).text);
  }
  return absl::OkStatus();
}

// Whether the report can be written, before hours of work.
absl::Status CheckWritable(const std::string& report) {
  if (report.empty()) return absl::OkStatus();
  const std::filesystem::path path = report;
  const bool exists = access(path.c_str(), F_OK) == 0;
  const std::filesystem::path checked = exists ? path : path.parent_path();
  if (access(checked.c_str(), W_OK) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(
      errno, absl::StrCat(report, ": can't write the report here"));
}

absl::Status Convert(const JobPlan& plan, const CommandLine& command_line) {
  absl::Status status = CheckWritable(command_line.report);
  if (!status.ok()) return status;
  RunOptions options;
  options.stop = &base::stop_requested;
  const base::OrderlyStop orderly;
  Display shown(command_line.progress, stderr);
  absl::StatusOr<JobReport> report =
      make_gguf::Run(plan, shown.JobObserver(), options);
  shown.Finish();
  if (!report.ok()) return report.status();
  Print(SummaryTable(*report));
  if (command_line.report.empty()) return absl::OkStatus();
  return WriteReport(*report, command_line.report);
}

// Downloads the model; or, in a dry run, shows what there is to download and
// gives false.
absl::StatusOr<bool> HaveHubModel(CommandLine& command_line) {
  const base::OrderlyStop orderly;
  if (command_line.action == Action::kDryRun) {
    absl::StatusOr<std::string> download =
        DescribeDownload(command_line.spec, base::stop_requested);
    if (!download.ok()) return download.status();
    Print(*download);
    if (!download->empty()) return false;
  }
  absl::Status status = FetchHubModel(command_line.spec, command_line.progress,
                                      base::stop_requested);
  if (!status.ok()) return status;
  return true;
}

absl::Status Run(CommandLine& command_line) {
  if (command_line.action == Action::kHelp) {
    Print(command_line.help);
    return absl::OkStatus();
  }
  if (command_line.action == Action::kListTypes) {
    Print(ListTypes());
    return absl::OkStatus();
  }
  if (command_line.action == Action::kListArchitectures) {
    Print(ListArchitectures());
    return absl::OkStatus();
  }
  if (NamesHubModel(command_line.spec)) {
    absl::StatusOr<bool> here = HaveHubModel(command_line);
    if (!here.ok() || !*here) return here.status();
  } else if (absl::Status status = CheckNoHub(command_line.spec);
             !status.ok()) {
    return status;
  }
  absl::StatusOr<JobPlan> plan = Plan(command_line.spec);
  if (!plan.ok()) return plan.status();
  if (command_line.action == Action::kDryRun) return DryRun(*plan);
  return Convert(*plan, command_line);
}

int Main(absl::Span<const char* const> arguments) {
  base::BeginProgram();
  CommandLine command_line;
  absl::Status status = ParseFlags(arguments, command_line);
  if (status.ok()) status = Run(command_line);
  if (status.ok()) status = base::FinishOutput();
  if (status.ok()) return EXIT_SUCCESS;
  const bool stopped = absl::IsCancelled(status) && base::stop_requested;
  Event event = ErrorEvent(status.message());
  if (stopped) event.text = std::string(status.message());
  const bool as_json = command_line.progress == DisplayMode::kJson;
  absl::FPrintF(stderr, "%s\n", as_json ? event.json : event.text);
  return stopped ? base::StopExitCode() : EXIT_FAILURE;
}

}  // namespace
}  // namespace make_gguf

int main(int argc, char** argv) {
  return make_gguf::Main(absl::MakeConstSpan(argv + 1, argc - 1));
}
