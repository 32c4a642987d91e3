#include "converters/config/config_class.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/json.h"
#include "converters/config/key_names.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

// The fields that all classes have.
constexpr Field kCommonFields[] = {
    {"architectures", kStrings | kNull},
    {"transformers_version", kString | kNull},
    {"output_hidden_states", kBool | kNull},
    {"return_dict", kBool | kNull},
    {"torch_dtype", kString | kNull},
    {"dtype", kString | kNull},
    {"chunk_size_feed_forward", kInt},
    {"is_encoder_decoder", kBool},
    {"use_cache", kBool},
    {"initializer_range", kFloat},
    {"pad_token_id", kInt | kNull},
    {"bos_token_id", kInt | kNull},
    {"eos_token_id", kInt | kInts | kNull},
    {"vocab_size", kInt},
    {"tie_word_embeddings", kBool},
};

// The names of one setting: where one is given, none gets a default.
constexpr absl::Span<const absl::string_view> kSpellings[] = {
    key::kBlocks,     key::kContext,     key::kHidden,  key::kFeedForward,
    key::kHeads,      key::kKvHeads,     key::kExperts, key::kExpertsUsed,
    key::kRmsEpsilon, key::kNormEpsilon,
};

const ConfigClass* FindClass(absl::Span<const ConfigClass> classes,
                             absl::string_view model_type) {
  for (const ConfigClass& config_class : classes) {
    if (config_class.model_type == model_type) return &config_class;
  }
  return nullptr;
}

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
  return absl::c_all_of(fields, [&](const Field& field) {
    const auto it = config.find(field.key);
    return it == config.end() || (KindOf(*it) & field.kinds) != 0;
  });
}

bool Accepts(const ConfigClass& type, const json& config) {
  return AcceptsFields(kCommonFields, config) &&
         absl::c_all_of(type.fields, [&](Fields fields) {
           return AcceptsFields(fields, config);
         });
}

// Unlike base::Member, this tells null from absent only by the fallback.
json ValueOr(const json& object, absl::string_view key, const json& fallback) {
  const auto it = object.find(key);
  return it == object.end() ? fallback : *it;
}

void SetDefault(json& object, absl::string_view key, const json& value) {
  if (!object.contains(key)) object[key] = value;
}

bool HasAll(const json& object, std::initializer_list<const char*> keys) {
  return absl::c_all_of(keys,
                        [&](const char* key) { return object.contains(key); });
}

// Whether the rotary settings have what their type needs.
bool RopeIsComplete(const json& rope) {
  const json& type = base::Member(rope, "rope_type");
  if (type == "linear" || type == "dynamic" || type == "yarn") {
    return HasAll(rope, {"factor"});
  }
  if (type == "llama3") {
    return HasAll(rope, {"factor", "low_freq_factor", "high_freq_factor"});
  }
  if (type == "longrope") return HasAll(rope, {"short_factor", "long_factor"});
  return true;
}

// Fills in what follows from other settings; false where transformers would
// refuse them.
bool CompleteRope(const json& config, json& rope) {
  SetDefault(rope, "rope_type", ValueOr(rope, "type", "default"));
  const json& rope_type = rope["rope_type"];
  if (rope_type == "llama3" || rope_type == "yarn" || rope_type == "longrope") {
    SetDefault(rope, "original_max_position_embeddings",
               ValueOr(config, "max_position_embeddings",
                       base::Member(config, "n_positions")));
  }
  return RopeIsComplete(rope);
}

// The settings of full and of sliding attention; nullopt where transformers
// would refuse them.
std::optional<json> RopeByKind(const RopeDefaults& defaults,
                               const json& config) {
  json rope = base::Member(config, "rope_parameters");
  if (rope.is_null()) rope = json::object();
  if (!rope.is_object()) return std::nullopt;
  const json& scaling = base::Member(config, "rope_scaling");
  const auto fill = [&](json& settings, absl::string_view theta_key,
                        double theta) {
    if (!settings.is_object()) return false;
    SetDefault(settings, "rope_theta", ValueOr(config, theta_key, theta));
    return CompleteRope(config, settings);
  };
  for (const char* kind : {"full_attention", "sliding_attention"}) {
    if (rope[kind].is_null()) rope[kind] = {{"rope_type", "default"}};
  }
  json& full = rope["full_attention"];
  if (full.is_object() && scaling.is_object()) full.update(scaling);
  if (!fill(full, defaults.theta_key, defaults.theta) ||
      !fill(rope["sliding_attention"], defaults.local_theta_key,
            defaults.local_theta)) {
    return std::nullopt;
  }
  return rope;
}

// The settings as one object; nullopt likewise.
std::optional<json> RopeParameters(const RopeDefaults& defaults,
                                   const json& config) {
  json rope = base::Member(config, "rope_scaling");
  if (!base::IsTruthy(rope)) rope = base::Member(config, "rope_parameters");
  if (!base::IsTruthy(rope)) rope = json::object();
  if (!rope.is_object()) return std::nullopt;
  SetDefault(rope, "rope_theta",
             ValueOr(config, defaults.theta_key, defaults.theta));
  if (!defaults.share_key.empty()) {
    SetDefault(rope, "partial_rotary_factor",
               ValueOr(config, defaults.share_key, defaults.share));
  }
  if (!CompleteRope(config, rope)) return std::nullopt;
  return rope;
}

bool HasAnySpelling(const json& config, absl::string_view key) {
  if (config.contains(key)) return true;
  for (absl::Span<const absl::string_view> names : kSpellings) {
    if (!absl::c_linear_search(names, key)) continue;
    return absl::c_any_of(
        names, [&](absl::string_view name) { return config.contains(name); });
  }
  return false;
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
  // Old spellings are not derived from.
  const json hidden = base::Member(config, "hidden_size");
  const json heads = base::Member(config, "num_attention_heads");
  if (!hidden.is_number_integer() || !heads.is_number_integer()) return true;
  const auto is_missing = [&config](absl::string_view key) {
    return base::Member(config, key).is_null();
  };
  if (type.derives_head_dim || type.heads_divide_hidden) {
    const std::optional<uint64_t> size = base::UintOf(hidden);
    const std::optional<uint64_t> count = base::UintOf(heads);
    if (!size.has_value() || count.value_or(0) == 0) return false;
    if (type.heads_divide_hidden && *size % *count != 0) return false;
    if (type.derives_head_dim && is_missing("head_dim")) {
      config["head_dim"] = *size / *count;
    }
  }
  if (type.kv_heads_as_heads && is_missing("num_key_value_heads")) {
    config["num_key_value_heads"] = heads;
  }
  return true;
}

// Fills in what `type` says; false, and nothing is changed, if the class would
// refuse `config`.
bool Fill(const ConfigClass& type, json& config) {
  if (!Accepts(type, config)) return false;
  json filled = config;
  FillDefaults(type, filled);
  if (!FillDerived(type, filled)) return false;
  if (type.rope.is_used) {
    const bool is_by_kind = !type.rope.local_theta_key.empty();
    std::optional<json> rope = is_by_kind ? RopeByKind(type.rope, filled)
                                          : RopeParameters(type.rope, filled);
    if (!rope.has_value()) return false;
    // All of it is in rope_parameters now.
    filled["rope_parameters"] = *std::move(rope);
    filled.erase("rope_scaling");
    filled.erase(type.rope.theta_key);
    filled.erase(type.rope.local_theta_key);
  }
  if (type.complete != nullptr && !type.complete(filled)) return false;
  config = std::move(filled);
  return true;
}

// The settings of the text model among those of several models; null if all
// are its own. Of several places the last counts.
json TextConfig(const json& config) {
  json text;
  for (const char* name : {"text_config", "llm_config", "lm_config",
                           "thinker_config", "language_config", "lfm"}) {
    const json& found = base::Member(config, name);
    const bool is_within = absl::string_view(name) == "thinker_config";
    const json& inner = is_within ? base::Member(found, "text_config") : found;
    if (inner.is_object()) text = json(inner);
  }
  return text;
}

std::string ModelType(const json& config) {
  const std::string* name = base::StringMember(config, "model_type");
  return name == nullptr ? "" : *name;
}

}  // namespace

json WithDefaults(const json& config, absl::Span<const ConfigClass> classes) {
  json filled = config;
  const ConfigClass* type = FindClass(classes, ModelType(config));
  const bool is_filled = type != nullptr && Fill(*type, filled);
  json text = TextConfig(config);
  if (!text.is_object()) return filled;
  if (is_filled) {
    const std::string stated = ModelType(text);
    const ConfigClass* text_type =
        FindClass(classes, stated.empty() ? type->text_model_type : stated);
    if (text_type != nullptr && !Fill(*text_type, text)) filled = config;
  }
  filled.update(text);
  return filled;
}

}  // namespace converters
