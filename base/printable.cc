#include "base/printable.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/utf8.h"

namespace base {
namespace {

// Separators of lines, and marks that turn the direction of what follows.
bool Misleads(uint32_t c) {
  return c == 0x061C || (c >= 0x200E && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

std::string Escaped(uint32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return c < 0x80 ? absl::StrFormat("\\x%02x", c)
                      : absl::StrFormat("\\u%04x", c);
  }
}

}  // namespace

std::string Printable(absl::string_view text, size_t longest) {
  std::string printable;
  while (!text.empty()) {
    const Utf8Step step = NextUtf8(text);
    const uint32_t c = step.code_point;
    const size_t length = step.valid ? step.length : 1;
    std::string piece;
    if (!step.valid) {
      piece = absl::StrFormat("\\x%02x", static_cast<uint8_t>(text[0]));
    } else if (c < 0x20 || (c >= 0x7F && c < 0xA0) || Misleads(c)) {
      piece = Escaped(c);
    } else {
      piece = std::string(text.substr(0, length));
    }
    if (printable.size() + piece.size() > longest) {
      return absl::StrCat(printable, "...");
    }
    printable += piece;
    text.remove_prefix(length);
  }
  return printable;
}

}  // namespace base
