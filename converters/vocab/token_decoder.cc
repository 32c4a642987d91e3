#include "converters/vocab/token_decoder.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "base/utf8.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;
using base::IntegerMember;
using base::Member;
using base::StringMember;

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

std::string DecodeByteLevel(std::string text) {
  const std::optional<std::string> bytes = FromByteLevel(text);
  return bytes ? base::RepairUtf8(*bytes) : text;
}

// "<0x41>" to "A".
std::string DecodeByteFallback(std::string text) {
  uint32_t byte = 0;
  const bool is_byte = text.size() == 6 && absl::StartsWith(text, "<0x") &&
                       text.back() == '>' &&
                       absl::SimpleHexAtoi(text.substr(3, 2), &byte);
  return is_byte ? base::RepairUtf8(std::string(1, static_cast<char>(byte)))
                 : text;
}

std::string DecodeReplace(const Json& step, std::string text) {
  const std::string* pattern = StringMember(Member(step, "pattern"), "String");
  const std::string* content = StringMember(step, "content");
  if (pattern == nullptr || pattern->empty() || content == nullptr) return text;
  return absl::StrReplaceAll(text, {{*pattern, *content}});
}

// Removes `content` up to `start` times in front and `stop` times at the end.
std::string DecodeStrip(const Json& step, absl::string_view text) {
  const std::string* content = StringMember(step, "content");
  if (content == nullptr || content->empty()) return std::string(text);
  const int64_t start = IntegerMember(step, "start").value_or(0);
  const int64_t stop = IntegerMember(step, "stop").value_or(0);
  for (int64_t i = 0; i < start && absl::StartsWith(text, *content); ++i) {
    text.remove_prefix(content->size());
  }
  for (int64_t i = 0; i < stop && absl::EndsWith(text, *content); ++i) {
    text.remove_suffix(content->size());
  }
  return std::string(text);
}

// A first token, which this one is, loses the marks instead of getting spaces,
// unless the tokenizer never prepends one.
std::string DecodeMetaspace(const Json& step, const std::string& text) {
  const std::string* mark = StringMember(step, "replacement");
  if (mark == nullptr || mark->empty()) return text;
  const std::string* scheme = StringMember(step, "prepend_scheme");
  const bool never = scheme != nullptr && *scheme == "never";
  return absl::StrReplaceAll(text, {{*mark, never ? " " : ""}});
}

}  // namespace

std::optional<std::string> FromByteLevel(absl::string_view text) {
  static const std::array<uint8_t, 68> kOtherBytes = MakeOtherBytes();
  std::string bytes;
  while (!text.empty()) {
    const base::Utf8Step step = base::NextUtf8(text);
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

std::string DecodeToken(const Json& decoder, std::string text) {
  const std::string* type = StringMember(decoder, "type");
  if (type == nullptr) return text;
  if (*type == "ByteLevel") return DecodeByteLevel(std::move(text));
  if (*type == "ByteFallback") return DecodeByteFallback(std::move(text));
  if (*type == "Replace") return DecodeReplace(decoder, std::move(text));
  if (*type == "Strip") return DecodeStrip(decoder, text);
  if (*type == "Metaspace") return DecodeMetaspace(decoder, text);
  if (*type == "Sequence") {
    const Json& steps = Member(decoder, "decoders");
    if (!steps.is_array()) return text;
    for (const Json& step : steps) text = DecodeToken(step, std::move(text));
  }
  return text;
}

}  // namespace vocab
