// File: base/command_line.h
//
// The command line of a program as one table: the flags that it takes, what
// --help says of each, and where its value goes.
//
// Flags are spelled --name=value, --name value or -name value, with '-' or '_'
// between words; switches also --name and --noname or --no-name. What begins
// with no dash, and all that follows "--", is a value of the flag that the
// table names for it. A name that is not in the table is an error that names
// the nearest; so is a flag that is given twice, unless it is a list.

#ifndef BASE_COMMAND_LINE_H_
#define BASE_COMMAND_LINE_H_

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace base {

enum class FlagKind {
  kSwitch,     // on or off: its value is "true" or "false"
  kValue,      // one value
  kList,       // a value each time it is given
  kCommaList,  // the same, and each is split at commas
  // The same, and words that follow belong to it: "--quants Q4_K_M Q5_K_S". It
  // takes letters, digits, '_' and ','; any other word ends it.
  kWordList,
};

// Takes the values of a flag that was given: one, or a list's, which may be
// none. An error says what a value should be; the flag is put before it.
using FlagSetter =
    std::function<absl::Status(const std::vector<std::string>& values)>;

struct Flag {
  absl::string_view name;  // "keep_fp16"
  FlagKind kind = FlagKind::kValue;
  absl::string_view value;  // what --help calls its value: "DIR"
  absl::string_view help;   // one line, with the default in words
  FlagSetter set;
  bool rare = false;            // left to --help=all
  bool empty_is_value = false;  // "--name=" is no mistake
};

struct FlagGroup {
  absl::string_view title;
  std::vector<Flag> flags;
};

struct CommandLineTable {
  absl::string_view usage;       // before the flags
  absl::string_view examples;    // after them
  absl::string_view positional;  // the flag whose values need not its name
  std::vector<FlagGroup> groups;
};

// Sets what the arguments (without the program's name) say, flag by flag in the
// table's order. Gives the text to print, instead of doing anything, where
// --help or --help=all asks for it; else an empty one.
// Errors: the first mistake, InvalidArgument or what a setter gave. All other
// flags are set even so: how to report a mistake may be among them.
absl::StatusOr<std::string> ParseCommandLine(
    const CommandLineTable& table, absl::Span<const char* const> arguments);

// What --help prints; with `all` the rare flags as well.
std::string HelpText(const CommandLineTable& table, bool all);

// Puts the value into a bool, a std::string, an optional one, or a list of
// them.
template <typename T>
FlagSetter Into(T* target) {
  return [target](const std::vector<std::string>& values) {
    if constexpr (std::is_same_v<T, bool>) {
      *target = values.back() == "true";
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      *target = values;
    } else {
      *target = values.back();
    }
    return absl::OkStatus();
  };
}

// Puts a number from `least` to `most` into `target`.
FlagSetter IntoNumber(int* target, int least, int most);

}  // namespace base

#endif  // BASE_COMMAND_LINE_H_
