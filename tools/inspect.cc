// Shows what is in GGUF files, and checks them.
//
// Exits with 0 if all files are whole, 1 if one is not or the output is lost, 2
// for wrong arguments.

#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/command_line.h"
#include "base/program.h"
#include "base/status_line.h"
#include "base/status_macros.h"
#include "base/user_path.h"
#include "gguf/file_set.h"
#include "tools/inspect_report.h"

namespace make_gguf {
namespace {

constexpr char kUsage[] =
    R"(inspect FILE.gguf…: shows what is in GGUF files, and checks them.

Of a split model any shard can be named; all of it is shown.)";

constexpr char kExamples[] = R"(Examples:
  inspect model-Q4_K_M.gguf
  inspect --json --array_elements=1000000 model-Q4_K_M.gguf

Exits with 0 if all files are whole, with 1 if one is not, with 2 if the
arguments are wrong.)";

struct Arguments {
  std::string help;
  std::vector<std::string> files;
  bool json = false;
  bool shard = false;
  int array_elements = 8;
};

absl::StatusOr<Arguments> Parse(absl::Span<const char* const> words) {
  using base::Into;
  using enum base::FlagKind;
  Arguments arguments;
  ASSIGN_OR_RETURN(
      arguments.help,
      base::ParseCommandLine(
          {kUsage,
           kExamples,
           "file",
           {{"Flags",
             {{"file", kList, "FILE", "the same as FILE alone",
               Into(&arguments.files)},
              {"json", kSwitch, "", "print JSON, an object for each file",
               Into(&arguments.json)},
              {"shard", kSwitch, "", "take a shard without the others",
               Into(&arguments.shard)},
              {"array_elements", kValue, "N",
               "of longer arrays show so many; default: 8",
               base::IntoNumber(&arguments.array_elements, 0, 1 << 30)}}}}},
          words));
  if (arguments.help.empty() && arguments.files.empty()) {
    return absl::InvalidArgumentError("no file is given: inspect FILE.gguf");
  }
  return arguments;
}

absl::Status Show(const std::string& file, const Arguments& arguments) {
  const std::string path = base::UserPath(file);
  ASSIGN_OR_RETURN(const auto model, arguments.shard
                                         ? gguf::FileSet::OpenAlone(path)
                                         : gguf::FileSet::Open(path));
  InspectOptions options;
  options.array_elements = arguments.array_elements;
  const std::string report = arguments.json ? JsonReport(*model, options)
                                            : TextReport(*model, options);
  std::fwrite(report.data(), 1, report.size(), stdout);
  return absl::OkStatus();
}

int Main(absl::Span<const char* const> words) {
  base::BeginProgram();
  const absl::StatusOr<Arguments> arguments = Parse(words);
  int result = arguments.ok() ? 0 : 2;
  const auto check = [&result](const absl::Status& status) {
    if (status.ok()) return;
    base::StatusLine(stderr, false)
        .Say(absl::StrCat("inspect: ", status.message()));
    if (result == 0) result = 1;
  };
  check(arguments.status());
  if (arguments.ok()) {
    std::fputs(arguments->help.c_str(), stdout);
    for (const std::string& file : arguments->files) {
      if (arguments->help.empty()) check(Show(file, *arguments));
    }
  }
  check(base::FinishOutput());
  return result;
}

}  // namespace
}  // namespace make_gguf

int main(int argc, char** argv) {
  return make_gguf::Main(absl::MakeConstSpan(argv + 1, argc - 1));
}
