#include "quant/name_pattern.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "re2/re2.h"

namespace quant {
namespace {

constexpr size_t kMaxPatternBytes = 1000;

// The letters whose escapes mean the same in both dialects. Others are
// themselves in ECMAScript, and something else or nothing to RE2.
constexpr absl::string_view kCommonEscapes = "bdfnrstvwx";

// What is wrong with an escape of `c`; empty if nothing.
std::string EscapeFault(char c) {
  if (absl::ascii_isdigit(c)) return "backreferences are not supported";
  if (absl::ascii_isalpha(c) && !absl::StrContains(kCommonEscapes, c)) {
    return absl::StrCat("the escape '\\", absl::string_view(&c, 1),
                        "' is not supported");
  }
  return "";
}

// What in `pattern` RE2 would take, but not as ECMAScript does, or refuse
// without saying that it never will; empty if nothing.
std::string DialectFault(absl::string_view pattern) {
  bool in_brackets = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const absl::string_view rest = pattern.substr(i);
    if (rest.size() > 1 && rest[0] == '\\') {
      std::string fault = EscapeFault(rest[1]);
      if (!fault.empty()) return fault;
      ++i;
    } else if (in_brackets) {
      if (absl::StartsWith(rest, "[.") || absl::StartsWith(rest, "[=")) {
        return "collating elements are not supported";
      }
      const size_t class_end =
          absl::StartsWith(rest, "[:") ? rest.find(":]", 2) : rest.npos;
      if (class_end != rest.npos) i += class_end + 1;
      in_brackets = rest[0] != ']';
    } else if (rest[0] == '[') {
      if (absl::StartsWith(rest, "[]") || absl::StartsWith(rest, "[^]")) {
        return "brackets without characters are not supported";
      }
      in_brackets = true;
    } else if (absl::StartsWith(rest, "(?=") || absl::StartsWith(rest, "(?!")) {
      return "lookahead is not supported";
    }
  }
  return "";
}

absl::Status BadPattern(absl::string_view pattern, absl::string_view fault) {
  return absl::InvalidArgumentError(
      absl::StrCat("bad regular expression '", pattern, "': ", fault));
}

}  // namespace

absl::StatusOr<NamePattern> NamePattern::Compile(absl::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return BadPattern(
        absl::StrCat(pattern.substr(0, 40), "…"),
        absl::StrCat("it has ", pattern.size(), " bytes, at most ",
                     kMaxPatternBytes, " are taken"));
  }
  const std::string lower_case = absl::AsciiStrToLower(pattern);
  const std::string fault = DialectFault(lower_case);
  if (!fault.empty()) return BadPattern(pattern, fault);
  // Latin-1: bytes are characters, as there.
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  auto regex = std::make_unique<const RE2>(lower_case, options);
  if (!regex->ok()) return BadPattern(pattern, regex->error());
  return NamePattern(std::move(regex));
}

NamePattern::NamePattern(std::unique_ptr<const re2::RE2> regex)
    : regex_(std::move(regex)) {}

NamePattern::NamePattern(NamePattern&&) noexcept = default;
NamePattern& NamePattern::operator=(NamePattern&&) noexcept = default;
NamePattern::~NamePattern() = default;

bool NamePattern::IsIn(absl::string_view name) const {
  return RE2::PartialMatch(name, *regex_);
}

}  // namespace quant
