#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "nlohmann/json.hpp"

namespace base {
namespace {

using Json = nlohmann::json;

// What values take in memory besides their characters: with the allocator's
// own bytes, and for elements with the room that a growing list keeps.
constexpr uint64_t kElementBytes = 2 * sizeof(Json);
constexpr uint64_t kMemberBytes = 104;
constexpr uint64_t kContainerBytes = 64;
constexpr uint64_t kStringBytes = 48;

class Parser {
 public:
  Parser(absl::string_view text, const JsonLimits& limits, JsonOrder* order)
      : text_(text), memory_left_(limits.memory), order_(order) {}

  // False if there is an error.
  bool Parse(Json& out) {
    if (absl::StartsWith(text_, "\xEF\xBB\xBF")) {
      return Fail("a byte order mark, which JSON has none of");
    }
    const size_t valid = ValidUtf8Length(text_);
    if (valid < text_.size()) {
      position_ = valid;
      return Fail("not valid UTF-8");
    }
    if (!Value(0, out)) return false;
    SkipSpace();
    return position_ == text_.size() || Unexpected("the end");
  }

  // The error with its place.
  std::string error() const {
    const absl::string_view before = text_.substr(0, position_);
    const size_t line_begin = before.rfind('\n') + 1;  // 0 if there is none
    return absl::StrCat("line ",
                        std::count(before.begin(), before.end(), '\n') + 1,
                        ", column ", position_ - line_begin + 1, ": ", error_);
  }

 private:
  bool Fail(absl::string_view error) {
    error_ = std::string(error);
    return false;
  }
  bool Unexpected(absl::string_view expected) {
    constexpr size_t kShown = 20;
    const absl::string_view rest = text_.substr(position_);
    return Fail(absl::StrCat(
        "expected ", expected, ", found ",
        rest.empty()
            ? "the end of the text"
            : absl::StrCat("\"", absl::CHexEscape(rest.substr(0, kShown)),
                           rest.size() > kShown ? "\"…" : "\"")));
  }
  bool Charge(uint64_t bytes) {
    if (bytes > memory_left_) return Fail("more values than such a file has");
    memory_left_ -= bytes;
    return true;
  }
  bool ChargeString(const std::string& text) {
    return Charge(kStringBytes + text.size());
  }

  void SkipSpace() {
    while (position_ < text_.size() &&
           (text_[position_] == ' ' || text_[position_] == '\n' ||
            text_[position_] == '\r' || text_[position_] == '\t')) {
      ++position_;
    }
  }
  // Moves over `c` if it comes next.
  bool Consume(char c) {
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  bool ConsumeWord(absl::string_view word) {
    if (!absl::StartsWith(text_.substr(position_), word)) return false;
    position_ += word.size();
    return true;
  }
  // Moves over digits; false if there are none.
  bool ConsumeDigits() {
    const size_t begin = position_;
    while (position_ < text_.size() && absl::ascii_isdigit(text_[position_])) {
      ++position_;
    }
    return position_ > begin;
  }

  bool Value(int depth, Json& out);
  bool Object(int depth, Json& out);
  bool Array(int depth, Json& out);
  bool Number(Json& out);
  bool String(bool is_name, std::string& out);
  bool Escape(bool is_name, std::string& out);
  bool UnicodeEscape(bool is_name, std::string& out);
  bool ConsumeHex(uint32_t& unit);

  const absl::string_view text_;
  uint64_t memory_left_;
  JsonOrder* const order_;
  std::string outer_name_;  // of the member of the outermost object
  size_t position_ = 0;
  std::string error_;
};

bool Parser::Value(int depth, Json& out) {
  SkipSpace();
  if (depth > kMaxJsonDepth) {
    return Fail(absl::StrCat("nested deeper than ", kMaxJsonDepth, " levels"));
  }
  if (Consume('{')) return Object(depth, out);
  if (Consume('[')) return Array(depth, out);
  if (Consume('"')) {
    std::string text;
    if (!String(/*is_name=*/false, text) || !ChargeString(text)) return false;
    out = std::move(text);
    return true;
  }
  const std::pair<absl::string_view, Json> words[] = {
      {"null", nullptr},
      {"true", true},
      {"false", false},
      {"NaN", std::numeric_limits<double>::quiet_NaN()},
      {"Infinity", std::numeric_limits<double>::infinity()},
      {"-Infinity", -std::numeric_limits<double>::infinity()},
  };
  if (position_ < text_.size() && !absl::ascii_isdigit(text_[position_])) {
    for (const auto& [word, value] : words) {
      if (!ConsumeWord(word)) continue;
      out = value;
      return true;
    }
  }
  return Number(out);
}

bool Parser::Object(int depth, Json& out) {
  if (!Charge(kContainerBytes)) return false;
  out = Json::object();
  const bool is_ordered = order_ != nullptr && depth <= 1;
  std::vector<std::string>* names =
      is_ordered ? &(*order_)[depth == 0 ? "" : outer_name_] : nullptr;
  if (is_ordered) names->clear();
  SkipSpace();
  if (Consume('}')) return true;
  do {
    SkipSpace();
    if (!Consume('"')) return Unexpected("a name in quotes");
    std::string name;
    if (!String(/*is_name=*/true, name)) return false;
    if (!Charge(kMemberBytes + name.size())) return false;
    SkipSpace();
    if (!Consume(':')) return Unexpected("':'");
    if (order_ != nullptr && depth == 0) outer_name_ = name;
    const size_t size = out.size();
    Json& value = out[name];
    if (is_ordered && out.size() > size) {
      if (!ChargeString(name)) return false;
      names->push_back(std::move(name));
    }
    if (!Value(depth + 1, value)) return false;
    SkipSpace();
  } while (Consume(','));
  return Consume('}') || Unexpected("',' or '}'");
}

bool Parser::Array(int depth, Json& out) {
  if (!Charge(kContainerBytes)) return false;
  out = Json::array();
  Json::array_t& list = out.get_ref<Json::array_t&>();
  SkipSpace();
  if (Consume(']')) return true;
  // A member of a list is no member of the outermost object.
  const int inner = std::max(depth + 1, 2);
  do {
    if (!Charge(kElementBytes)) return false;
    if (!Value(inner, list.emplace_back())) return false;
    SkipSpace();
  } while (Consume(','));
  return Consume(']') || Unexpected("',' or ']'");
}

bool Parser::Number(Json& out) {
  const size_t begin = position_;
  const bool is_negative = Consume('-');
  if (!Consume('0') && !ConsumeDigits()) {
    position_ = begin;
    return Unexpected("a value");
  }
  bool is_integer = true;
  if (Consume('.')) {
    if (!ConsumeDigits()) return Unexpected("a digit");
    is_integer = false;
  }
  if (Consume('e') || Consume('E')) {
    if (!Consume('+')) Consume('-');
    if (!ConsumeDigits()) return Unexpected("a digit");
    is_integer = false;
  }
  const absl::string_view number = text_.substr(begin, position_ - begin);
  uint64_t positive;
  int64_t negative;
  double real;
  if (is_integer && !is_negative && absl::SimpleAtoi(number, &positive)) {
    out = positive;
  } else if (is_integer && is_negative && absl::SimpleAtoi(number, &negative)) {
    out = negative;
  } else if (absl::SimpleAtod(number, &real)) {
    out = real;
  }
  return true;
}

// From behind the opening quote to behind the closing one.
bool Parser::String(bool is_name, std::string& out) {
  while (true) {
    const size_t begin = position_;
    while (position_ < text_.size() && text_[position_] != '"' &&
           text_[position_] != '\\' && (text_[position_] & 0xE0) != 0) {
      ++position_;
    }
    out.append(text_.data() + begin, position_ - begin);
    if (Consume('"')) return true;
    if (!Consume('\\')) {
      return position_ == text_.size()
                 ? Fail("the text ends in a string")
                 : Fail("a control character in a string");
    }
    if (!Escape(is_name, out)) return false;
  }
}

bool Parser::Escape(bool is_name, std::string& out) {
  constexpr absl::string_view kLetters = "\"\\/bfnrt";
  constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (Consume('u')) return UnicodeEscape(is_name, out);
  const size_t letter = position_ < text_.size()
                            ? kLetters.find(text_[position_])
                            : absl::string_view::npos;
  if (letter == absl::string_view::npos) {
    return Unexpected("an escape sequence");
  }
  ++position_;
  out.push_back(kMeanings[letter]);
  return true;
}

bool Parser::ConsumeHex(uint32_t& unit) {
  const absl::string_view digits = text_.substr(position_, 4);
  if (digits.size() < 4 ||
      !std::all_of(digits.begin(), digits.end(),
                   [](char c) { return absl::ascii_isxdigit(c); })) {
    return Unexpected("four hexadecimal digits");
  }
  position_ += 4;
  return absl::SimpleHexAtoi(digits, &unit);
}

bool Parser::UnicodeEscape(bool is_name, std::string& out) {
  uint32_t unit = 0;
  if (!ConsumeHex(unit)) return false;
  if (unit >= 0xD800 && unit < 0xDC00) {
    const size_t after_first = position_;
    uint32_t second = 0;
    if (ConsumeWord("\\u")) {
      if (!ConsumeHex(second)) return false;
      if (second >= 0xDC00 && second < 0xE000) {
        AppendUtf8(0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00), out);
        return true;
      }
    }
    position_ = after_first;
  }
  const bool is_lone = unit >= 0xD800 && unit < 0xE000;
  if (is_lone && is_name) return Fail("a name with a lone surrogate");
  AppendUtf8(is_lone ? 0xFFFD : unit, out);
  return true;
}

}  // namespace

absl::StatusOr<Json> ParseJson(absl::string_view text, absl::string_view name,
                               const JsonLimits& limits, JsonOrder* order) {
  if (text.size() > limits.bytes) {
    return absl::DataLossError(absl::StrCat(
        name, ": ", text.size(), " bytes, expected at most ", limits.bytes));
  }
  Parser parser(text, limits, order);
  Json value;
  if (parser.Parse(value)) return value;
  return absl::DataLossError(absl::StrCat(name,
                                          ": not valid JSON: ", parser.error(),
                                          "; mend it or download it again"));
}

absl::StatusOr<Json> ReadJsonFile(const std::string& path,
                                  const JsonLimits& limits, JsonOrder* order) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, limits.bytes));
  return ParseJson(text, path, limits, order);
}

const Json& Member(const Json& object, absl::string_view key) {
  static const Json* const kNull = new Json();
  if (!object.is_object()) return *kNull;
  const auto found = object.find(key);
  return found == object.end() ? *kNull : *found;
}

const std::string* StringMember(const Json& object, absl::string_view key) {
  return Member(object, key).get_ptr<const std::string*>();
}

std::optional<int64_t> IntegerMember(const Json& object,
                                     absl::string_view key) {
  const Json& value = Member(object, key);
  // An unsigned value beyond int64_t would turn negative.
  if (!value.is_number_integer() ||
      (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX)) {
    return std::nullopt;
  }
  return value.get<int64_t>();
}

std::optional<uint64_t> UintMember(const Json& object, absl::string_view key) {
  return UintOf(Member(object, key));
}

std::optional<bool> BoolMember(const Json& object, absl::string_view key) {
  const Json& value = Member(object, key);
  if (!value.is_boolean()) return std::nullopt;
  return value.get<bool>();
}

std::optional<uint64_t> UintOf(const Json& value) {
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  if (!value.is_number_integer() || value.get<int64_t>() < 0) {
    return std::nullopt;
  }
  return value.get<uint64_t>();
}

bool IsTruthy(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (const auto* text = value.get_ptr<const std::string*>()) {
    return !text->empty();
  }
  return !value.empty();
}

std::string ShowJson(const Json& value) {
  constexpr size_t kMaxMembers = 16;
  constexpr size_t kMaxLength = 60;
  if (value.is_structured() && value.size() > kMaxMembers) {
    return absl::StrCat(value.is_array() ? "a list of " : "an object of ",
                        value.size(), " values");
  }
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    return absl::StrCat(value.get<double>());
  }
  std::string shown = value.dump(-1, ' ', /*ensure_ascii=*/true,
                                 Json::error_handler_t::replace);
  if (shown.size() > kMaxLength) {
    shown.resize(kMaxLength - 3);
    shown += "...";
  }
  return shown;
}

}  // namespace base
