// File: tools/flags.h
//
// make_gguf's command line. A flag that is given overrides the job file.

#ifndef TOOLS_FLAGS_H_
#define TOOLS_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tools/engine/job.pb.h"

namespace make_gguf {

enum class Action { kConvert, kDryRun, kListTypes, kListArchitectures };

struct CommandLine {
  Action action = Action::kConvert;
  JobSpec spec;          // as given: defaults are not filled in
  std::string report;    // where to write the JobReport; empty: nowhere
  std::string progress;  // "auto", "plain", "json" or "none"
};

// Parses the flags of the process and, if --job names one, its job file.
// Flags may be spelled with '-' for '_'; --tensor_type may be given several
// times. Ends the process for --help and for flags that absl refuses.
// Errors: InvalidArgument for values that no flag takes.
absl::StatusOr<CommandLine> ParseCommandLine(int argc, char** argv);

// The arguments with every flag's name spelled with '_', switches with their
// values written out, and the values of repeated --tensor_type flags joined by
// newlines. Exposed for testing.
std::vector<std::string> NormalizeArguments(
    absl::Span<const char* const> arguments);

}  // namespace make_gguf

#endif  // TOOLS_FLAGS_H_
