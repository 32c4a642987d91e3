// File: quant/name_pattern.h
//
// A regular expression over tensor names, in the dialect that llama-quantize's
// --tensor-type takes (ECMAScript, by std::regex), without its exceptions.

#ifndef QUANT_NAME_PATTERN_H_
#define QUANT_NAME_PATTERN_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace quant {

// Immutable, so safe to use from any thread.
class NamePattern {
 public:
  // Upper case letters in `pattern` count as lower case ones, as there.
  // Errors: InvalidArgument, with the pattern and what is wrong with it.
  static absl::StatusOr<NamePattern> Compile(absl::string_view pattern);

  NamePattern(NamePattern&&) noexcept;
  NamePattern& operator=(NamePattern&&) noexcept;
  ~NamePattern();

  // Whether the pattern matches anywhere in `name`.
  // Errors: InvalidArgument if matching takes more than the library allows.
  absl::StatusOr<bool> IsIn(const std::string& name) const;

 private:
  struct Compiled;
  explicit NamePattern(std::unique_ptr<const Compiled> compiled);

  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace quant

#endif  // QUANT_NAME_PATTERN_H_
