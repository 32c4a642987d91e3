// File: base/printable.h
//
// Text that comes from files and servers, fit for a message: it may hold
// anything, and a message may end on a terminal.

#ifndef BASE_PRINTABLE_H_
#define BASE_PRINTABLE_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace base {

// `text` on one line, with what could act on a terminal or forge another line
// written as escapes: control characters (C0, DEL, C1), line and
// paragraph separators and marks that turn the direction as \n, \x1b, \u0085;
// bytes that are no UTF-8 as \xff. Other UTF-8 stays. What is longer than
// `longest` bytes, escapes included, is cut and ends in "...".
std::string Printable(absl::string_view text, size_t longest = 200);

}  // namespace base

#endif  // BASE_PRINTABLE_H_
