#include "base/printable.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace base {
namespace {

// A code point at the start of a text, and how many bytes it takes there. Size
// 0: the text does not begin with valid UTF-8.
struct CodePoint {
  uint32_t value = 0;
  size_t size = 0;
};

CodePoint FirstCodePoint(absl::string_view text) {
  const uint8_t lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
  uint32_t value = lead & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) {
    const uint8_t next = static_cast<uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) return {};
    value = value << 6 | (next & 0x3F);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLeast[size] || value > 0x10FFFF || surrogate) return {};
  return {value, size};
}

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
    const CodePoint c = FirstCodePoint(text);
    std::string piece;
    if (c.size == 0) {
      piece = absl::StrFormat("\\x%02x", static_cast<uint8_t>(text[0]));
    } else if (c.value < 0x20 || (c.value >= 0x7F && c.value < 0xA0) ||
               Misleads(c.value)) {
      piece = Escaped(c.value);
    } else {
      piece = std::string(text.substr(0, c.size));
    }
    if (printable.size() + piece.size() > longest) {
      return absl::StrCat(printable, "...");
    }
    printable += piece;
    text.remove_prefix(c.size == 0 ? 1 : c.size);
  }
  return printable;
}

}  // namespace base
