#include "base/command_line.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"

namespace base {
namespace {

// Where the second column of --help begins, unless the first is longer.
constexpr int kHelpColumn = 26;

// How many characters have to be put in, taken out or changed.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

bool IsWordOfList(absl::string_view word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == ',';
         });
}

bool IsFlag(absl::string_view argument) {
  return argument.size() > 1 && argument[0] == '-';
}

bool IsOnce(const Flag& flag) {
  return flag.kind == FlagKind::kValue || flag.kind == FlagKind::kSwitch;
}

class Parser {
 public:
  Parser(const CommandLineTable& table, absl::Span<const char* const> arguments)
      : rest_(arguments.begin(), arguments.end()) {
    for (const FlagGroup& group : table.groups) {
      for (const Flag& flag : group.flags) {
        if (flag.name == table.positional) positional_ = given_.size();
        given_.push_back({&flag, {}, 0});
      }
    }
  }

  void Parse() {
    while (!rest_.empty()) {
      const absl::string_view argument = Take();
      if (argument == "--") {
        while (!rest_.empty()) AddPositional(Take());
      } else if (IsFlag(argument)) {
        TakeFlag(argument);
      } else {
        AddPositional(argument);
      }
    }
  }

  // Calls the setters of what was given.
  void Set() {
    for (const Given& given : given_) {
      if (given.times == 0) continue;
      const Flag& flag = *given.flag;
      if (given.values.empty() && IsOnce(flag)) continue;  // said already
      const absl::Status status = flag.set(given.values);
      if (status.ok()) continue;
      Fail(absl::StrCat("--", flag.name, "=", absl::StrJoin(given.values, ","),
                        ": ", status.message()),
           status.code());
    }
  }

  const absl::Status& status() const { return status_; }
  const std::string& help() const { return help_; }

 private:
  struct Given {
    const Flag* flag;
    std::vector<std::string> values;
    int times;
  };

  absl::string_view Take() {
    const absl::string_view argument = rest_.front();
    rest_.erase(rest_.begin());
    return argument;
  }

  // The first error counts.
  void Fail(std::string message,
            absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    status_.Update(absl::Status(code, message));
  }

  Given* Find(absl::string_view name) {
    const auto found = std::find_if(
        given_.begin(), given_.end(),
        [&](const Given& given) { return given.flag->name == name; });
    return found == given_.end() ? nullptr : &*found;
  }

  void TakeFlag(absl::string_view argument) {
    absl::string_view spelled = absl::StripPrefix(argument, "-");
    absl::ConsumePrefix(&spelled, "-");
    const size_t equals = spelled.find('=');
    const bool has_value = equals != absl::string_view::npos;
    std::string name(spelled.substr(0, equals));
    std::replace(name.begin(), name.end(), '-', '_');
    const absl::string_view value =
        has_value ? spelled.substr(equals + 1) : absl::string_view();
    if (name == "help" || name == "h") {
      help_ = has_value ? std::string(value) : "short";
    } else if (Given* given = Find(name)) {
      TakeValue(*given, has_value, value);
    } else if (Given* off = FindSwitchedOff(name); off != nullptr) {
      if (has_value) Fail(absl::StrCat("--", name, " takes no value"));
      Add(*off, "false");
    } else {
      FailUnknown(argument.substr(0, argument.find('=')), name);
      // What may be its value is no model.
      if (!has_value && !rest_.empty() && !IsFlag(rest_.front())) Take();
    }
  }

  // The switch that "noNAME" or "no_NAME" turns off.
  Given* FindSwitchedOff(absl::string_view name) {
    if (!absl::ConsumePrefix(&name, "no")) return nullptr;
    absl::ConsumePrefix(&name, "_");
    Given* given = Find(name);
    return given != nullptr && given->flag->kind == FlagKind::kSwitch ? given
                                                                      : nullptr;
  }

  void FailUnknown(absl::string_view spelled, absl::string_view name) {
    const Flag* nearest = nullptr;
    size_t distance = name.size() / 3 + 2;  // further off is nothing alike
    for (const Given& given : given_) {
      const size_t to_this = EditDistance(name, given.flag->name);
      if (to_this >= distance) continue;
      distance = to_this;
      nearest = given.flag;
    }
    Fail(absl::StrCat("unknown flag ", spelled,
                      nearest == nullptr ? "; --help=all lists all there are"
                                         : absl::StrCat("; the nearest is --",
                                                        nearest->name)));
  }

  void TakeValue(Given& given, bool has_value, absl::string_view value) {
    const Flag& flag = *given.flag;
    if (flag.kind == FlagKind::kSwitch) {
      AddSwitch(given, has_value ? value : "true");
      return;
    }
    if (has_value) {
      Add(given, value);
      return;
    }
    if (rest_.empty() || IsFlag(rest_.front())) {
      ++given.times;
      Fail(absl::StrCat("--", flag.name, " lacks its value, --", flag.name, "=",
                        flag.value));
      return;
    }
    Add(given, Take());
    while (flag.kind == FlagKind::kWordList && !rest_.empty() &&
           IsWordOfList(rest_.front())) {
      Add(given, Take());
    }
  }

  void AddSwitch(Given& given, absl::string_view value) {
    bool on = false;
    if (absl::SimpleAtob(value, &on)) {
      Add(given, on ? "true" : "false");
    } else {
      Fail(absl::StrCat("--", given.flag->name, "=", value,
                        ": it is true or false"));
    }
  }

  void AddPositional(absl::string_view value) {
    Given& given = given_[positional_];
    if (IsOnce(*given.flag) && given.times > 0) {
      Fail(absl::StrCat("unexpected argument '", value, "': --",
                        given.flag->name, " is '", given.values.back(),
                        "' already"));
    } else {
      Add(given, value);
    }
  }

  void Add(Given& given, absl::string_view value) {
    const Flag& flag = *given.flag;
    if (++given.times > 1 && IsOnce(flag)) {
      Fail(absl::StrCat("--", flag.name, " is given twice"));
    } else if (value.empty() && !flag.empty_is_value) {
      Fail(absl::StrCat("--", flag.name,
                        "= has no value; leave the flag out instead"));
    } else if (flag.kind == FlagKind::kCommaList ||
               flag.kind == FlagKind::kWordList) {
      for (absl::string_view part :
           absl::StrSplit(value, ',', absl::SkipWhitespace())) {
        given.values.emplace_back(absl::StripAsciiWhitespace(part));
      }
      return;
    }
    given.values.emplace_back(value);
  }

  std::vector<absl::string_view> rest_;
  std::vector<Given> given_;  // all there are, in the table's order
  size_t positional_ = 0;
  std::string help_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::string> ParseCommandLine(
    const CommandLineTable& table, absl::Span<const char* const> arguments) {
  Parser parser(table, arguments);
  parser.Parse();
  if (!parser.help().empty()) return HelpText(table, parser.help() == "all");
  parser.Set();
  if (!parser.status().ok()) return parser.status();
  return "";
}

std::string HelpText(const CommandLineTable& table, bool all) {
  std::string text = absl::StrCat(table.usage, "\n");
  for (const FlagGroup& group : table.groups) {
    std::string lines;
    for (const Flag& flag : group.flags) {
      if (flag.rare && !all) continue;
      const std::string first =
          absl::StrCat("  --", flag.name,
                       flag.kind == FlagKind::kSwitch ? "" : "=", flag.value);
      absl::StrAppendFormat(&lines, "%-*s  %s\n", kHelpColumn, first,
                            flag.help);
    }
    if (!lines.empty()) absl::StrAppend(&text, "\n", group.title, ":\n", lines);
  }
  return absl::StrCat(text, "\n", table.examples, "\n");
}

FlagSetter IntoNumber(int* target, int least, int most) {
  return [=](const std::vector<std::string>& values) -> absl::Status {
    if (absl::SimpleAtoi(values.back(), target) && *target >= least &&
        *target <= most) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("it is a number from ", least, " to ", most));
  };
}

}  // namespace base
