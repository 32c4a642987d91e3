#include "fetch/json.h"

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace fetch {

namespace {

constexpr int kMaxDepth = 32;

}  // namespace

nlohmann::json ParseJson(absl::string_view text) {
  const auto keep = [](int depth, nlohmann::json::parse_event_t,
                       const nlohmann::json&) { return depth <= kMaxDepth; };
  return nlohmann::json::parse(text.begin(), text.end(), keep,
                               /*allow_exceptions=*/false);
}

const nlohmann::json& JsonMember(const nlohmann::json& object,
                                 const char* name) {
  static const nlohmann::json* const kNull = new nlohmann::json();
  if (!object.is_object()) return *kNull;
  const auto member = object.find(name);
  return member == object.end() ? *kNull : *member;
}

std::string JsonString(const nlohmann::json& object, const char* name) {
  const nlohmann::json& member = JsonMember(object, name);
  const std::string* text = member.get_ptr<const std::string*>();
  return text == nullptr ? "" : *text;
}

std::optional<uint64_t> JsonUint(const nlohmann::json& object,
                                 const char* name) {
  const nlohmann::json& member = JsonMember(object, name);
  if (!member.is_number_unsigned()) return std::nullopt;
  return member.get<uint64_t>();
}

}  // namespace fetch
