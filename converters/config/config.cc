#include "converters/config/config.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/json.h"
#include "converters/config/config_class.h"
#include "converters/config/key_names.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

constexpr absl::string_view kWholeNumber =
    "a whole number from 0 to 4294967295";

std::optional<uint32_t> ToUint(const json& value) {
  constexpr uint32_t kMax = std::numeric_limits<uint32_t>::max();
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (!(number >= 0 && number <= kMax) || number != std::trunc(number)) {
      return std::nullopt;
    }
    return static_cast<uint32_t>(number);
  }
  const std::optional<uint64_t> number = base::UintOf(value);
  if (!number.has_value() || *number > kMax) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

std::optional<double> ToNumber(const json& value) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    return std::nullopt;
  }
  return value.get<double>();
}

std::optional<std::string> ToText(const json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) return std::nullopt;
  return *text;
}

}  // namespace

absl::StatusOr<Config> Config::Make(const json& raw,
                                    absl::Span<const ConfigClass> classes) {
  if (!raw.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "config.json: expected a JSON object, found ", raw.type_name()));
  }
  return Config(WithDefaults(raw, classes), "config.json");
}

Config::Config(json values, std::string name)
    : values_(std::make_shared<const json>(std::move(values))),
      name_(std::move(name)) {}

const json* Config::Find(Keys keys) const {
  for (absl::string_view key : keys) {
    const json& value = base::Member(*values_, key);
    if (!value.is_null()) return &value;
  }
  return nullptr;
}

absl::string_view Config::NameOf(Keys keys) const {
  for (absl::string_view key : keys) {
    if (!base::Member(*values_, key).is_null()) return key;
  }
  return keys.front();
}

absl::Status Config::Missing(Keys keys) const {
  std::string message = absl::StrCat(name_, ": ", keys.front(), " is missing");
  if (keys.size() > 1) {
    absl::StrAppend(&message, " (nor is there ",
                    absl::StrJoin(keys.subspan(1), " or "), ")");
  }
  return absl::InvalidArgumentError(message);
}

absl::Status Config::Unexpected(Keys keys, absl::string_view expected) const {
  const json* value = Find(keys);
  return absl::InvalidArgumentError(
      absl::StrCat(name_, ": ", NameOf(keys), " is ",
                   value == nullptr ? "missing" : base::ShowJson(*value),
                   ", expected ", expected));
}

absl::StatusOr<std::optional<uint32_t>> Config::OptionalUint(Keys keys) const {
  const json* value = Find(keys);
  if (value == nullptr) return std::nullopt;
  const std::optional<uint32_t> number = ToUint(*value);
  if (!number.has_value()) return Unexpected(keys, kWholeNumber);
  return number;
}

absl::StatusOr<uint32_t> Config::Uint(Keys keys) const {
  ASSIGN_OR_RETURN(const std::optional<uint32_t> value, OptionalUint(keys));
  if (!value.has_value()) return Missing(keys);
  return *value;
}

absl::StatusOr<uint64_t> Config::UintOr(Keys keys, uint64_t fallback) const {
  ASSIGN_OR_RETURN(const std::optional<uint32_t> value, OptionalUint(keys));
  return value.has_value() ? *value : fallback;
}

absl::StatusOr<uint32_t> Config::PositiveUint(Keys keys) const {
  ASSIGN_OR_RETURN(const uint32_t value, Uint(keys));
  if (value == 0) return Unexpected(keys, "more");
  return value;
}

absl::StatusOr<std::optional<double>> Config::OptionalNumber(Keys keys) const {
  const json* value = Find(keys);
  if (value == nullptr) return std::nullopt;
  const std::optional<double> number = ToNumber(*value);
  if (!number.has_value()) return Unexpected(keys, "a finite number");
  return number;
}

absl::StatusOr<double> Config::Number(Keys keys) const {
  ASSIGN_OR_RETURN(const std::optional<double> value, OptionalNumber(keys));
  if (!value.has_value()) return Missing(keys);
  return *value;
}

absl::StatusOr<double> Config::NumberOr(Keys keys, double fallback) const {
  ASSIGN_OR_RETURN(const std::optional<double> value, OptionalNumber(keys));
  return value.value_or(fallback);
}

absl::StatusOr<bool> Config::BoolOr(Keys keys, bool fallback) const {
  const json* value = Find(keys);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) return Unexpected(keys, "true or false");
  return value->get<bool>();
}

std::string Config::Text(Keys keys) const {
  const json* value = Find(keys);
  return value == nullptr ? "" : ToText(*value).value_or("");
}

template <typename T, typename Convert>
absl::StatusOr<std::vector<T>> Config::List(Keys keys,
                                            absl::string_view expected,
                                            Convert convert) const {
  std::vector<T> list;
  const json* value = Find(keys);
  if (value == nullptr) return list;
  if (!value->is_array()) return Unexpected(keys, expected);
  for (const json& item : *value) {
    const std::optional<T> converted = convert(item);
    if (!converted.has_value()) return Unexpected(keys, expected);
    list.push_back(*converted);
  }
  return list;
}

absl::StatusOr<std::vector<uint32_t>> Config::Uints(Keys keys) const {
  return List<uint32_t>(keys, "a list of whole numbers up to 4294967295",
                        ToUint);
}

absl::StatusOr<std::vector<double>> Config::Numbers(Keys keys) const {
  return List<double>(keys, "a list of finite numbers", ToNumber);
}

absl::StatusOr<std::vector<std::string>> Config::Texts(Keys keys) const {
  return List<std::string>(keys, "a list of strings", ToText);
}

absl::StatusOr<std::vector<uint32_t>> Config::UintPerBlock(
    Keys keys, uint64_t blocks) const {
  const json* value = Find(keys);
  if (value == nullptr || !value->is_array()) {
    ASSIGN_OR_RETURN(const uint32_t number, Uint(keys));
    return std::vector<uint32_t>(blocks, number);
  }
  ASSIGN_OR_RETURN(std::vector<uint32_t> numbers, Uints(keys));
  if (numbers.size() != blocks) {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ": ", NameOf(keys), " has ", numbers.size(),
                     " values, expected one for each of ", blocks, " blocks"));
  }
  return numbers;
}

Config Config::Rope() const {
  json rope = json::object();
  const json* given = Find(key::kRope);
  if (given != nullptr && given->is_object()) rope = *given;
  // Settings by kind of layers have all in them.
  const json& full = base::Member(rope, "full_attention");
  if (full.is_object()) rope = json(full);
  const auto mirror = [&](absl::string_view name, const json* value) {
    if (!rope.contains(name) && value != nullptr) rope[name] = *value;
  };
  mirror("rope_theta", Find(key::kRopeTheta));
  const auto type = rope.find("type");
  if (type != rope.end()) mirror("rope_type", &*type);
  mirror("partial_rotary_factor", Find(key::kRotaryShare));
  mirror("original_max_position_embeddings", Find(key::kOriginalContext));
  return Config(std::move(rope), absl::StrCat(name_, ": rope_parameters"));
}

Config Config::RopeOf(absl::string_view kind) const {
  json rope = json::object();
  const json* given = Find(key::kRope);
  if (given != nullptr && base::Member(*given, kind).is_object()) {
    rope = base::Member(*given, kind);
  } else if (const json* theta = Find(key::kLocalRopeTheta);
             theta != nullptr && kind == "sliding_attention") {
    rope["rope_theta"] = *theta;
  }
  return Config(std::move(rope),
                absl::StrCat(name_, ": rope_parameters.", kind));
}

}  // namespace converters
