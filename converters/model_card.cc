#include "converters/model_card.h"

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

// A key or a value as a string would name it.
std::string KeyText(const YAML::Node& node) {
  return node.IsScalar() ? node.Scalar() : "";
}

json ToJson(const YAML::Node& node, int depth) {
  if (depth > kMaxDepth) return nullptr;
  if (node.IsSequence()) {
    json list = json::array();
    for (const YAML::Node& item : node) {
      json value = ToJson(item, depth + 1);
      // Items are words: the language "no", not a truth value.
      if (item.IsScalar() && !value.is_null()) value = item.Scalar();
      list.push_back(std::move(value));
    }
    return list;
  }
  if (node.IsMap()) {
    json object = json::object();
    for (const auto& item : node) {
      // Of a key that comes twice the last counts.
      object[KeyText(item.first)] = ToJson(item.second, depth + 1);
    }
    return object;
  }
  if (!node.IsScalar()) return nullptr;
  // yaml-cpp marks plain scalars with the tag "?".
  return node.Tag() == "?" ? PlainScalar(node.Scalar()) : json(node.Scalar());
}

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
  try {
    json parsed = ToJson(YAML::Load(front), 0);
    return parsed.is_object() ? parsed : json::object();
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("front matter, line ", error.mark.line + 2, ", column ",
                     error.mark.column + 1, ": ", error.msg));
  }
}

}  // namespace converters
