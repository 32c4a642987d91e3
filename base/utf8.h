// File: base/utf8.h
//
// UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.

#ifndef BASE_UTF8_H_
#define BASE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace base {

// One step over a text: the well-formed character at its start, or else the
// longest prefix of one that the text starts with, at least one byte.
struct Utf8Step {
  size_t length;
  bool valid;
  uint32_t code_point;  // 0 if not valid
};

// Requires that `text` is not empty.
Utf8Step NextUtf8(absl::string_view text);

// How many bytes from the start of `text` are well-formed; its size if all are.
size_t ValidUtf8Length(absl::string_view text);
inline bool IsValidUtf8(absl::string_view text) {
  return ValidUtf8Length(text) == text.size();
}

// Appends `code_point`, which must be a Unicode scalar value.
void AppendUtf8(uint32_t code_point, std::string& text);

// `text` with each maximal ill-formed part replaced by U+FFFD, as the Unicode
// Standard recommends (chapter 3, "U+FFFD Substitution of Maximal Subparts").
std::string RepairUtf8(absl::string_view text);

}  // namespace base

#endif  // BASE_UTF8_H_
