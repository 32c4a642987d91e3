// File: converters/warning.h
//
// What a user should hear of a conversion that succeeds all the same: what was
// dropped, guessed or overridden.

#ifndef CONVERTERS_WARNING_H_
#define CONVERTERS_WARNING_H_

#include <string>

#include "absl/strings/str_format.h"

namespace converters {

struct Warning {
  // What kind it is, for programs and for searching: "tied-head-differs". Never
  // changed once it is published.
  std::string code;
  // Which file and which thing, what became of it, and what to do: one line.
  std::string text;

  // "README.md: ignored: … [model-card-ignored]".
  template <typename Sink>
  friend void AbslStringify(Sink& sink, const Warning& warning) {
    absl::Format(&sink, "%s [%s]", warning.text, warning.code);
  }
};

}  // namespace converters

#endif  // CONVERTERS_WARNING_H_
