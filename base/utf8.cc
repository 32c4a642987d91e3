#include "base/utf8.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"

namespace base {
namespace {

// The permitted range of a second byte, and how many bytes follow the first:
// table 3-7 of the Unicode Standard.
struct Lead {
  uint8_t continuation_bytes;
  uint8_t second_min, second_max;
  uint8_t mask;
};

Lead LeadOf(uint8_t byte) {
  if (byte < 0xC2 || byte > 0xF4) return {0, 0, 0, 0};
  if (byte < 0xE0) return {1, 0x80, 0xBF, 0x1F};
  if (byte == 0xE0) return {2, 0xA0, 0xBF, 0x0F};
  if (byte == 0xED) return {2, 0x80, 0x9F, 0x0F};
  if (byte < 0xF0) return {2, 0x80, 0xBF, 0x0F};
  if (byte == 0xF0) return {3, 0x90, 0xBF, 0x07};
  if (byte == 0xF4) return {3, 0x80, 0x8F, 0x07};
  return {3, 0x80, 0xBF, 0x07};
}

// Bytes at the start that are ASCII, in words of eight.
size_t AsciiLength(absl::string_view text) {
  size_t length = 0;
  for (uint64_t word; length + sizeof(word) <= text.size();
       length += sizeof(word)) {
    std::memcpy(&word, text.data() + length, sizeof(word));
    if ((word & 0x8080808080808080) != 0) break;
  }
  return length;
}

}  // namespace

Utf8Step NextUtf8(absl::string_view text) {
  const uint8_t first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) return {1, true, first};
  const Lead lead = LeadOf(first);
  if (lead.continuation_bytes == 0) return {1, false, 0};
  uint32_t code_point = first & lead.mask;
  for (size_t i = 1; i <= lead.continuation_bytes; ++i) {
    const uint8_t byte = i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
    const uint8_t min = i == 1 ? lead.second_min : uint8_t{0x80};
    const uint8_t max = i == 1 ? lead.second_max : uint8_t{0xBF};
    if (byte < min || byte > max) return {i, false, 0};
    code_point = code_point << 6 | (byte & 0x3F);
  }
  return {size_t{lead.continuation_bytes} + 1, true, code_point};
}

size_t ValidUtf8Length(absl::string_view text) {
  size_t length = AsciiLength(text);
  while (length < text.size()) {
    const Utf8Step step = NextUtf8(text.substr(length));
    if (!step.valid) break;
    length += step.length;
  }
  return length;
}

void AppendUtf8(uint32_t code_point, std::string& text) {
  const auto append = [&text](uint32_t byte) {
    text.push_back(static_cast<char>(byte));
  };
  const auto append_rest = [&](int shift) {
    for (; shift >= 0; shift -= 6) append(0x80 | (code_point >> shift & 0x3F));
  };
  if (code_point < 0x80) {
    append(code_point);
  } else if (code_point < 0x800) {
    append(0xC0 | code_point >> 6);
    append_rest(0);
  } else if (code_point < 0x10000) {
    append(0xE0 | code_point >> 12);
    append_rest(6);
  } else {
    append(0xF0 | code_point >> 18);
    append_rest(12);
  }
}

std::string RepairUtf8(absl::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = NextUtf8(text);
    if (step.valid) {
      repaired.append(text.data(), step.length);
    } else {
      AppendUtf8(0xFFFD, repaired);
    }
    text.remove_prefix(step.length);
  }
  return repaired;
}

}  // namespace base
