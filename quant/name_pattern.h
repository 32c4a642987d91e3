// File: quant/name_pattern.h
//
// A regular expression over tensor names, as llama-quantize's --tensor-type
// takes it: ECMAScript, searched anywhere in the name. RE2 matches it, in time
// linear in the name; so what needs backtracking is refused: backreferences
// (\1) and lookaround ((?=…), (?!…)).

#ifndef QUANT_NAME_PATTERN_H_
#define QUANT_NAME_PATTERN_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace re2 {
class RE2;
}

namespace quant {

// Immutable, so safe to use from any thread.
class NamePattern {
 public:
  // Upper case letters in `pattern` count as lower case ones, as there (also
  // in escapes: \D is \d).
  // Errors: InvalidArgument, with the pattern (at most 1000 bytes) and what is
  // wrong with it or means something else to RE2 than in ECMAScript.
  static absl::StatusOr<NamePattern> Compile(absl::string_view pattern);

  NamePattern(NamePattern&&) noexcept;
  NamePattern& operator=(NamePattern&&) noexcept;
  ~NamePattern();

  // Whether the pattern matches anywhere in `name`.
  bool IsIn(absl::string_view name) const;

 private:
  explicit NamePattern(std::unique_ptr<const re2::RE2> regex);

  std::unique_ptr<const re2::RE2> regex_;
};

}  // namespace quant

#endif  // QUANT_NAME_PATTERN_H_
