#include "quant/name_pattern.h"

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 finds a false one within <regex> when it builds with sanitizers.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <memory>
#include <regex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace quant {

struct NamePattern::Compiled {
  std::string text;
  std::regex regex;
};

absl::StatusOr<NamePattern> NamePattern::Compile(absl::string_view pattern) {
  try {
    return NamePattern(std::make_unique<const Compiled>(Compiled{
        std::string(pattern), std::regex(absl::AsciiStrToLower(pattern))}));
  } catch (const std::regex_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("bad regular expression '", pattern, "': ", error.what()));
  }
}

NamePattern::NamePattern(std::unique_ptr<const Compiled> compiled)
    : compiled_(std::move(compiled)) {}

NamePattern::NamePattern(NamePattern&&) noexcept = default;
NamePattern& NamePattern::operator=(NamePattern&&) noexcept = default;
NamePattern::~NamePattern() = default;

absl::StatusOr<bool> NamePattern::IsIn(const std::string& name) const {
  try {
    return std::regex_search(name, compiled_->regex);
  } catch (const std::regex_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("matching the regular expression '", compiled_->text,
                     "' with '", name, "': ", error.what()));
  }
}

}  // namespace quant
