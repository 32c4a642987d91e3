#include "converters/config.h"

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
#include "converters/config_defaults.h"
#include "nlohmann/json.hpp"

namespace converters {

using nlohmann::json;

absl::StatusOr<Config> Config::Make(const json& raw) {
  if (!raw.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "config.json: expected a JSON object, found ", raw.type_name()));
  }
  json values = WithDefaults(raw);
  const auto text = values.find("text_config");
  if (text != values.end() && text->is_object()) {
    values.update(json(*text));
  }
  return Config(std::move(values), "config.json");
}

Config::Config(json values, std::string name)
    : values_(std::make_shared<const json>(std::move(values))),
      name_(std::move(name)) {}

const json* Config::Find(Keys keys) const {
  for (absl::string_view key : keys) {
    const auto it = values_->find(key);
    if (it != values_->end() && !it->is_null()) return &*it;
  }
  return nullptr;
}

absl::Status Config::Missing(Keys keys) const {
  std::string message = absl::StrCat(name_, ": ", *keys.begin(), " is missing");
  if (keys.size() > 1) {
    absl::StrAppend(&message, " (nor is there ",
                    absl::StrJoin(keys.begin() + 1, keys.end(), " or "), ")");
  }
  return absl::InvalidArgumentError(message);
}

absl::Status Config::Unexpected(Keys keys, absl::string_view expected) const {
  const json* value = Find(keys);
  absl::string_view used;
  for (absl::string_view key : keys) {
    const auto it = values_->find(key);
    if (it != values_->end() && &*it == value) used = key;
  }
  std::string shown =
      value->dump(-1, ' ', true, json::error_handler_t::replace);
  if (shown.size() > 60) shown = absl::StrCat(shown.substr(0, 57), "...");
  return absl::InvalidArgumentError(
      absl::StrCat(name_, ": ", used, " is ", shown, ", expected ", expected));
}

absl::StatusOr<std::optional<uint32_t>> Config::OptionalUint(Keys keys) const {
  const json* value = Find(keys);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer() || *value < 0 ||
      *value > std::numeric_limits<uint32_t>::max()) {
    return Unexpected(keys, "a whole number from 0 to 4294967295");
  }
  return value->get<uint32_t>();
}

absl::StatusOr<uint32_t> Config::Uint(Keys keys) const {
  const absl::StatusOr<std::optional<uint32_t>> value = OptionalUint(keys);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return Missing(keys);
  return **value;
}

absl::StatusOr<uint64_t> Config::UintOr(Keys keys, uint64_t fallback) const {
  const absl::StatusOr<std::optional<uint32_t>> value = OptionalUint(keys);
  if (!value.ok()) return value.status();
  return value->has_value() ? **value : fallback;
}

absl::StatusOr<uint32_t> Config::PositiveUint(Keys keys) const {
  const absl::StatusOr<uint32_t> value = Uint(keys);
  if (value.ok() && *value == 0) return Unexpected(keys, "more");
  return value;
}

absl::StatusOr<std::optional<double>> Config::OptionalNumber(Keys keys) const {
  const json* value = Find(keys);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) return Unexpected(keys, "a number");
  return value->get<double>();
}

absl::StatusOr<double> Config::Number(Keys keys) const {
  const absl::StatusOr<std::optional<double>> value = OptionalNumber(keys);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return Missing(keys);
  return **value;
}

absl::StatusOr<double> Config::NumberOr(Keys keys, double fallback) const {
  const absl::StatusOr<std::optional<double>> value = OptionalNumber(keys);
  if (!value.ok()) return value.status();
  return value->value_or(fallback);
}

absl::StatusOr<bool> Config::BoolOr(Keys keys, bool fallback) const {
  const json* value = Find(keys);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) return Unexpected(keys, "true or false");
  return value->get<bool>();
}

std::string Config::Text(Keys keys) const {
  const json* value = Find(keys);
  return value != nullptr && value->is_string() ? value->get<std::string>()
                                                : "";
}

Config Config::Rope() const {
  json rope = json::object();
  const json* given = Find({"rope_parameters", "rope_scaling"});
  if (given != nullptr && given->is_object()) rope = *given;
  // Settings by kind of layer: the models here have one kind.
  const auto full = rope.find("full_attention");
  if (full != rope.end() && full->is_object()) rope = json(*full);
  const auto mirror = [&](const char* key, const json* value) {
    if (!rope.contains(key) && value != nullptr) rope[key] = *value;
  };
  mirror("rope_theta", Find({"rope_theta", "rotary_emb_base"}));
  const auto type = rope.find("type");
  if (type != rope.end()) mirror("rope_type", &*type);
  mirror("partial_rotary_factor",
         Find({"partial_rotary_factor", "rotary_pct", "rope_pct"}));
  mirror("original_max_position_embeddings",
         Find({"original_max_position_embeddings"}));
  return Config(std::move(rope), absl::StrCat(name_, ": rope_parameters"));
}

}  // namespace converters
