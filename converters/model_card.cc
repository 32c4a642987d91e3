#include "converters/model_card.h"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "nlohmann/json.hpp"
#include "yaml-cpp/yaml.h"

namespace converters {
namespace {

using nlohmann::json;

// Model cards are a few levels deep; deeper ones are not worth a stack.
constexpr int kMaxDepth = 16;

// Far above the largest cards, those with results of many benchmarks. Aliases
// (`a: &a [x, x]`, `b: &b [*a, *a]` …) make any number of values of a few
// bytes, so what is counted is what the values come to.
constexpr size_t kMaxFrontMatter = 2 << 20;
constexpr size_t kMaxValues = 200'000;
constexpr size_t kMaxBytes = 8 << 20;

bool IsAnyOf(absl::string_view text,
             std::initializer_list<absl::string_view> list) {
  for (absl::string_view item : list) {
    if (text == item) return true;
  }
  return false;
}

json PlainScalar(const std::string& text) {
  if (IsAnyOf(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (IsAnyOf(text, {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On",
                     "ON"})) {
    return true;
  }
  if (IsAnyOf(text, {"no", "No", "NO", "false", "False", "FALSE", "off", "Off",
                     "OFF"})) {
    return false;
  }
  double number = 1;
  if (absl::SimpleAtod(text, &number) && number == 0) return 0;
  return text;
}

// YAML values as JSON, as many as a card may have.
class Reader {
 public:
  // Incomplete if `is_too_large` says so afterwards.
  json Read(const YAML::Node& node, int depth = 0) {
    if (depth > kMaxDepth || !Charge(node)) return nullptr;
    if (node.IsSequence()) return ReadList(node, depth);
    if (node.IsMap()) return ReadObject(node, depth);
    if (!node.IsScalar()) return nullptr;
    // yaml-cpp marks plain scalars with the tag "?".
    return node.Tag() == "?" ? PlainScalar(node.Scalar()) : json(node.Scalar());
  }

  bool is_too_large() const {
    return values_ > kMaxValues || bytes_ > kMaxBytes;
  }

 private:
  bool Charge(const YAML::Node& node) {
    ++values_;
    if (node.IsScalar()) bytes_ += node.Scalar().size();
    return !is_too_large();
  }

  json ReadList(const YAML::Node& node, int depth) {
    json list = json::array();
    for (const YAML::Node& item : node) {
      if (is_too_large()) break;
      json value = Read(item, depth + 1);
      // Items are words: the language "no", not a truth value.
      if (item.IsScalar() && !value.is_null()) value = item.Scalar();
      list.push_back(std::move(value));
    }
    return list;
  }

  json ReadObject(const YAML::Node& node, int depth) {
    json object = json::object();
    for (const auto& item : node) {
      if (is_too_large() || !Charge(item.first)) break;
      // Of a key that comes twice the last counts.
      object[item.first.IsScalar() ? item.first.Scalar() : ""] =
          Read(item.second, depth + 1);
    }
    return object;
  }

  size_t values_ = 0;
  size_t bytes_ = 0;
};

std::string FrontMatter(absl::string_view card) {
  std::string text = absl::StrReplaceAll(card, {{"\r\n", "\n"}, {"\r", "\n"}});
  std::string front;
  bool is_first = true;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (is_first) {
      if (line != "---") return "";
      is_first = false;
      continue;
    }
    if (line == "---") break;
    absl::StrAppend(&front, line, "\n");
  }
  // The language code of Norwegian is no truth value, and tabs, which YAML
  // doesn't allow, do occur.
  return absl::StrReplaceAll(front, {{"- no\n", "- \"no\"\n"}, {"\t", "  "}});
}

}  // namespace

absl::StatusOr<json> ParseModelCard(absl::string_view card) {
  const std::string front = FrontMatter(card);
  if (front.empty()) return json::object();
  if (front.size() > kMaxFrontMatter) {
    return absl::InvalidArgumentError(
        absl::StrCat("front matter of ", front.size(),
                     " bytes, expected at most ", kMaxFrontMatter));
  }
  try {
    Reader reader;
    json parsed = reader.Read(YAML::Load(front));
    if (reader.is_too_large()) {
      return absl::InvalidArgumentError(
          absl::StrCat("front matter of more than ", kMaxValues, " values or ",
                       kMaxBytes, " bytes, aliases counted each time"));
    }
    return parsed.is_object() ? parsed : json::object();
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("front matter, line ", error.mark.line + 2, ", column ",
                     error.mark.column + 1, ": ", error.msg));
  }
}

}  // namespace converters
