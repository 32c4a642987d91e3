// File: tools/flags.h
//
// make_gguf's command line. A flag that is given overrides the job file.

#ifndef TOOLS_FLAGS_H_
#define TOOLS_FLAGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tools/engine/job.pb.h"
#include "tools/reporter.h"

namespace make_gguf {

enum class Action { kConvert, kDryRun, kListTypes, kListArchitectures, kHelp };

struct CommandLine {
  Action action = Action::kConvert;
  std::string help;       // what to print, of kHelp
  JobSpec spec;           // as given: defaults are not filled in
  std::string report;     // where to write the JobReport; empty: nowhere
  std::string plan_only;  // where to write the plan, instead of the outputs
  std::string from_plan;  // a plan's file that stands for `spec`
  bool strict = false;    // a warning is an error
  ReportMode progress = ReportMode::kLines;
};

// Takes the arguments, without the program's name, and the job file that --job
// names. After an error `command_line.progress` holds all the same if it could
// be found out.
// Errors: InvalidArgument for a flag that is not known, given twice or of a
// value that it does not take; those of ReadJobSpec.
absl::Status ParseFlags(absl::Span<const char* const> arguments,
                        CommandLine& command_line);

}  // namespace make_gguf

#endif  // TOOLS_FLAGS_H_
