#include "converters/config_defaults.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "converters/config_class.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

uint32_t KindOf(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return kNull;
    case json::value_t::boolean:
      return kBool;
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return kInt;
    case json::value_t::number_float:
      return kFloat;
    case json::value_t::string:
      return kString;
    case json::value_t::object:
      return kObject;
    case json::value_t::array: {
      uint32_t kinds = kInts | kStrings;
      for (const json& item : value) {
        kinds &= item.is_number_integer() ? uint32_t{kInts}
                 : item.is_string()       ? uint32_t{kStrings}
                                          : uint32_t{0};
      }
      return kinds;
    }
    default:
      return 0;
  }
}

bool AcceptsFields(Fields fields, const json& config) {
  for (const Field& field : fields) {
    const auto it = config.find(field.key);
    if (it != config.end() && (KindOf(*it) & field.kinds) == 0) return false;
  }
  return true;
}

bool Accepts(const ConfigClass& type, const json& config) {
  return AcceptsFields(CommonFields(), config) &&
         std::all_of(
             std::begin(type.fields), std::end(type.fields),
             [&](Fields fields) { return AcceptsFields(fields, config); });
}

// Python's idea of true.
bool Truthy(const json& value) {
  return !(value.is_null() || value == false || value == 0 || value == "" ||
           (value.is_structured() && value.empty()));
}

json ValueOr(const json& object, absl::string_view key, const json& fallback) {
  const auto it = object.find(key);
  return it == object.end() ? fallback : *it;
}

void SetDefault(json& object, const char* key, const json& value) {
  if (!object.contains(key)) object[key] = value;
}

bool HasAll(const json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (!object.contains(key)) return false;
  }
  return true;
}

// Whether the rotary settings have what their type needs.
bool RopeIsComplete(const json& rope) {
  const json type = ValueOr(rope, "rope_type", nullptr);
  if (type == "linear" || type == "dynamic" || type == "yarn") {
    return HasAll(rope, {"factor"});
  }
  if (type == "llama3") {
    return HasAll(rope, {"factor", "low_freq_factor", "high_freq_factor"});
  }
  if (type == "longrope") return HasAll(rope, {"short_factor", "long_factor"});
  return true;
}

// The settings as one object; nullopt where transformers would refuse them.
std::optional<json> RopeParameters(const ConfigClass& type,
                                   const json& config) {
  json rope = ValueOr(config, "rope_scaling", nullptr);
  if (!Truthy(rope)) rope = ValueOr(config, "rope_parameters", nullptr);
  if (!Truthy(rope)) rope = json::object();
  if (!rope.is_object()) return std::nullopt;
  if (type.model_type == "gpt_neox") {
    SetDefault(rope, "rope_theta",
               ValueOr(config, "rotary_emb_base", type.rope_theta));
    SetDefault(rope, "partial_rotary_factor",
               ValueOr(config, "rotary_pct", 0.25));
  } else {
    SetDefault(rope, "rope_theta",
               ValueOr(config, "rope_theta", type.rope_theta));
  }
  SetDefault(rope, "rope_type", ValueOr(rope, "type", "default"));
  const json& rope_type = rope["rope_type"];
  if (rope_type == "llama3" || rope_type == "yarn" || rope_type == "longrope") {
    SetDefault(rope, "original_max_position_embeddings",
               ValueOr(config, "max_position_embeddings",
                       ValueOr(config, "n_positions", nullptr)));
  }
  if (!RopeIsComplete(rope)) return std::nullopt;
  return rope;
}

bool HasAnySpelling(const json& config, absl::string_view key) {
  const auto spellings = Spellings(key);
  return config.contains(key) ||
         std::any_of(spellings.begin(), spellings.end(),
                     [&](absl::string_view spelling) {
                       return !spelling.empty() && config.contains(spelling);
                     });
}

void FillDefaults(const ConfigClass& type, json& config) {
  const json given = config;
  const json defaults = json::parse(type.defaults);
  for (const auto& [key, value] : defaults.items()) {
    if (!HasAnySpelling(given, key)) config[key] = value;
  }
}

// Fills what follows from other fields; false if transformers would refuse.
bool FillDerived(const ConfigClass& type, json& config) {
  const json hidden = ValueOr(config, "hidden_size", nullptr);
  const json heads = ValueOr(config, "num_attention_heads", nullptr);
  // Old spellings are not derived from.
  if (hidden.is_null() || heads.is_null()) return true;
  const auto is_missing = [&config](absl::string_view key) {
    return ValueOr(config, key, nullptr).is_null();
  };
  if (type.derives_head_dim || type.heads_divide_hidden) {
    if (hidden < 0 || heads <= 0) return false;
    const int64_t h = hidden.get<int64_t>();
    const int64_t n = heads.get<int64_t>();
    if (type.heads_divide_hidden && h % n != 0) return false;
    if (type.derives_head_dim && is_missing("head_dim")) {
      config["head_dim"] = h / n;
    }
  }
  if (type.model_type == "llama" && is_missing("num_key_value_heads")) {
    config["num_key_value_heads"] = heads;
  }
  return true;
}

}  // namespace

json WithDefaults(const json& config) {
  const json name = ValueOr(config, "model_type", nullptr);
  if (!name.is_string()) return config;
  const ConfigClass* type = FindConfigClass(name.get_ref<const std::string&>());
  if (type == nullptr || !Accepts(*type, config)) return config;
  json filled = config;
  FillDefaults(*type, filled);
  if (!FillDerived(*type, filled)) return config;
  if (type->rotary) {
    const std::optional<json> rope = RopeParameters(*type, filled);
    if (!rope.has_value()) return config;
    filled["rope_parameters"] = *rope;
    // All of it is in rope_parameters now.
    filled.erase("rope_scaling");
    filled.erase("rope_theta");
  }
  return filled;
}

}  // namespace converters
