#include "converters/vocab/utf8.h"

#include <array>
#include <cstdint>

namespace vocab {
namespace {

// One step over `text`: the well-formed character at its start (`valid`), or
// the longest prefix of one that `text` starts with, at least one byte.
struct Step {
  size_t length;
  bool valid;
  uint32_t code_point;
};

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

Step Next(absl::string_view text) {
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

bool IsPrintableLatin1(uint32_t c) {
  return (c >= 0x21 && c <= 0x7E) || (c >= 0xA1 && c <= 0xAC) ||
         (c >= 0xAE && c <= 0xFF);
}

// The bytes of U+0100, U+0101, …
std::array<uint8_t, 68> MakeOtherBytes() {
  std::array<uint8_t, 68> bytes{};
  size_t n = 0;
  for (uint32_t c = 0; c < 256; ++c) {
    if (!IsPrintableLatin1(c)) bytes[n++] = static_cast<uint8_t>(c);
  }
  return bytes;
}

}  // namespace

bool IsValidUtf8(absl::string_view text) {
  while (!text.empty()) {
    const Step step = Next(text);
    if (!step.valid) return false;
    text.remove_prefix(step.length);
  }
  return true;
}

std::string RepairUtf8(absl::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  while (!text.empty()) {
    const Step step = Next(text);
    if (step.valid) {
      repaired.append(text.data(), step.length);
    } else {
      repaired.append("\xEF\xBF\xBD");
    }
    text.remove_prefix(step.length);
  }
  return repaired;
}

std::optional<std::string> FromByteLevel(absl::string_view text) {
  static const std::array<uint8_t, 68> kOtherBytes = MakeOtherBytes();
  std::string bytes;
  while (!text.empty()) {
    const Step step = Next(text);
    text.remove_prefix(step.length);
    if (step.valid && IsPrintableLatin1(step.code_point)) {
      bytes.push_back(static_cast<char>(step.code_point));
    } else if (step.valid && step.code_point >= 0x100 &&
               step.code_point < 0x100 + kOtherBytes.size()) {
      bytes.push_back(static_cast<char>(kOtherBytes[step.code_point - 0x100]));
    } else {
      return std::nullopt;
    }
  }
  return bytes;
}

}  // namespace vocab
