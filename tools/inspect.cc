// Shows what is in GGUF files, and checks them: `inspect FILE.gguf…`. Of a
// split model any shard can be named; all of it is shown.
//
// Exits with 0 if all files are whole, 1 if one is not, 2 for wrong arguments.

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "base/user_path.h"
#include "gguf/file_set.h"
#include "tools/inspect_report.h"

ABSL_FLAG(bool, json, false, "Print JSON, one object for each file.");
ABSL_FLAG(bool, shard, false,
          "Take a shard of a split model for itself, without the others.");
ABSL_FLAG(uint32_t, array_elements, 8,
          "Of longer arrays show this many elements from the ends.");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Shows and checks GGUF files: inspect [--json] FILE.gguf…");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() < 2) {
    std::cerr << "inspect: no file given; usage: inspect [--json] FILE.gguf…\n";
    return 2;
  }
  tools::InspectOptions options;
  options.array_elements = absl::GetFlag(FLAGS_array_elements);
  int result = 0;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string path = base::UserPath(arguments[i]);
    const auto model = absl::GetFlag(FLAGS_shard)
                           ? gguf::FileSet::OpenAlone(path)
                           : gguf::FileSet::Open(path);
    if (!model.ok()) {
      std::cerr << "inspect: " << model.status().message() << "\n";
      result = 1;
      continue;
    }
    std::cout << (absl::GetFlag(FLAGS_json)
                      ? tools::JsonReport(**model, options)
                      : tools::TextReport(**model, options));
  }
  return result;
}
