// make_gguf: converts a Hugging Face checkpoint to GGUF files. The flags are
// described in flags.cc; --help prints them.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/printable.h"
#include "base/program.h"
#include "base/status_macros.h"
#include "base/user_path.h"
#include "converters/registry.h"
#include "converters/warning.h"
#include "google/protobuf/stubs/logging.h"
#include "tools/display.h"
#include "tools/engine/engine.h"
#include "tools/events.h"
#include "tools/flags.h"
#include "tools/hub_model.h"
#include "tools/report.h"
#include "tools/reporter.h"

namespace make_gguf {
namespace {

std::string ListArchitectures() {
  std::string text;
  for (const converters::Architecture* architecture :
       converters::AllArchitectures()) {
    for (absl::string_view name : architecture->classes) {
      absl::StrAppendFormat(&text, "%-12s %s\n", architecture->name, name);
    }
  }
  return text;
}

// What is lost of it FinishOutput tells.
void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

void SayWarnings(const JobPlan& plan, Reporter& reporter) {
  for (const converters::Warning& warning : plan.model.plan.warnings) {
    reporter.Say(WarningEvent(warning));
  }
}

absl::Status CheckStrict(const CommandLine& command_line, const JobPlan& plan,
                         Reporter& reporter) {
  const size_t warnings = plan.model.plan.warnings.size();
  if (!command_line.strict || warnings == 0) return absl::OkStatus();
  SayWarnings(plan, reporter);
  return absl::FailedPreconditionError(
      absl::StrCat(warnings, warnings == 1 ? " warning" : " warnings",
                   ", and --strict makes each an error; nothing was written"));
}

void DryRun(const JobPlan& plan, Reporter& reporter) {
  for (const OutputPlan& output : plan.outputs) {
    Print(DescribeOutput(plan.model.plan, output));
  }
  Print(absl::StrCat(base::Printable(PlanEvent(plan).text, std::string::npos),
                     "\n"));
  SayWarnings(plan, reporter);
}

absl::Status Convert(const JobPlan& plan, const CommandLine& command_line,
                     Reporter& reporter) {
  const std::string& path = command_line.report;
  if (!path.empty()) RETURN_IF_ERROR(CheckReportApart(path, plan));
  absl::StatusOr<JobReport> report = [&] {
    const base::OrderlyStop orderly;
    Display display(reporter);
    return make_gguf::Run(plan, display.observer(),
                          {.stop = &base::stop_requested});
  }();
  RETURN_IF_ERROR(report.status());
  Print(SummaryTable(*report));
  absl::Status status = base::FinishOutput();
  // Again, for people: progress has scrolled them away.
  for (const Warning& warning : report->warnings()) {
    if (reporter.mode() == ReportMode::kJson) break;
    reporter.Say(WarningEvent({warning.code(), warning.text()}));
  }
  if (!path.empty()) status.Update(WriteReport(*report, path));
  return status;
}

// Downloads the model; or, in a dry run, shows what there is to download and
// gives false.
absl::StatusOr<bool> HaveHubModel(CommandLine& command_line,
                                  Reporter& reporter) {
  const base::OrderlyStop orderly;
  if (command_line.action == Action::kDryRun) {
    ASSIGN_OR_RETURN(
        const std::string download,
        DescribeDownload(command_line.spec, reporter, base::stop_requested));
    Print(download);
    if (!download.empty()) return false;
  }
  RETURN_IF_ERROR(
      FetchHubModel(command_line.spec, reporter, base::stop_requested));
  return true;
}

// Plans anew, or reads a plan.
absl::StatusOr<JobPlan> PlanOf(const CommandLine& command_line) {
  if (command_line.from_plan.empty()) return Plan(command_line.spec);
  JobSpec rest = command_line.spec;
  rest.clear_execution();
  if (rest.ByteSizeLong() > 0) {
    return absl::InvalidArgumentError(
        "--from_plan says all of the job; only flags of its execution go with "
        "it");
  }
  return ReadPlan(base::UserPath(command_line.from_plan),
                  command_line.spec.execution());
}

absl::Status WritePlanOnly(const JobPlan& plan, const std::string& path,
                           Reporter& reporter) {
  SayWarnings(plan, reporter);
  if (!plan.spec.overwrite() && std::filesystem::exists(path)) {
    return absl::AlreadyExistsError(
        absl::StrCat(path, " exists already; --overwrite replaces"));
  }
  return WritePlan(plan, path);
}

absl::Status Run(CommandLine& command_line, Reporter& reporter) {
  switch (command_line.action) {
    case Action::kHelp:
      Print(command_line.help);
      return absl::OkStatus();
    case Action::kListTypes:
      Print(ListTypes());
      return absl::OkStatus();
    case Action::kListArchitectures:
      Print(ListArchitectures());
      return absl::OkStatus();
    default:
      break;
  }
  if (!command_line.report.empty()) {
    RETURN_IF_ERROR(CheckReportPath(command_line.report));
  }
  const bool planned =
      !command_line.from_plan.empty();  // on a model that is here
  if (!planned && NamesHubModel(command_line.spec)) {
    ASSIGN_OR_RETURN(const bool here, HaveHubModel(command_line, reporter));
    if (!here) return absl::OkStatus();
  } else if (!planned) {
    RETURN_IF_ERROR(CheckNoHub(command_line.spec));
  }
  ASSIGN_OR_RETURN(const JobPlan plan, PlanOf(command_line));
  RETURN_IF_ERROR(CheckStrict(command_line, plan, reporter));
  if (!command_line.plan_only.empty()) {
    return WritePlanOnly(plan, base::UserPath(command_line.plan_only),
                         reporter);
  }
  if (command_line.action == Action::kConvert) {
    return Convert(plan, command_line, reporter);
  }
  DryRun(plan, reporter);
  return absl::OkStatus();
}

int Main(absl::Span<const char* const> arguments) {
  base::BeginProgram();
  // What it says of paths that are no UTF-8 would be no event.
  google::protobuf::SetLogHandler(nullptr);
  CommandLine command_line;
  absl::Status status = ParseFlags(arguments, command_line);
  Reporter reporter(command_line.progress, stderr);
  // A signal handler can't make it.
  static const std::string stopped = StoppedEvent("stopped").json + "\n";
  if (reporter.mode() == ReportMode::kJson) {
    base::SetStopMessage(stopped.c_str());
  }
  if (status.ok()) status = Run(command_line, reporter);
  if (status.ok()) status = base::FinishOutput();
  if (status.ok()) return EXIT_SUCCESS;
  const bool was_stopped = absl::IsCancelled(status) && base::stop_requested;
  reporter.Say(was_stopped ? StoppedEvent(status.message())
                           : ErrorEvent(status.message()));
  return was_stopped ? base::StopExitCode() : EXIT_FAILURE;
}

}  // namespace
}  // namespace make_gguf

int main(int argc, char** argv) {
  return make_gguf::Main(absl::MakeConstSpan(argv + 1, argc - 1));
}
