#include "converters/config_defaults.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

// Types that a field accepts, as a set.
enum Kind : uint32_t {
  kInt = 1,
  kFloat = 2,  // a JSON number with a point or an exponent
  kBool = 4,
  kString = 8,
  kInts = 16,
  kStrings = 32,
  kObject = 64,
  kNull = 128,
  kNumber = kInt | kFloat,
};

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

struct Field {
  absl::string_view key;
  uint32_t kinds;
  absl::string_view value;  // the default as JSON; empty: no default
  // An older spelling, which takes the default's place where it is given.
  absl::string_view old_key = "";
};

constexpr Field kCommonFields[] = {
    {"architectures", kStrings | kNull, ""},
    {"transformers_version", kString | kNull, ""},
    {"output_hidden_states", kBool | kNull, ""},
    {"return_dict", kBool | kNull, ""},
    {"torch_dtype", kString | kNull, ""},
    {"dtype", kString | kNull, ""},
    {"chunk_size_feed_forward", kInt, ""},
    {"is_encoder_decoder", kBool, ""},
    {"use_cache", kBool, ""},
    {"initializer_range", kFloat, ""},
    {"pad_token_id", kInt | kNull, ""},
    {"bos_token_id", kInt | kNull, ""},
    {"eos_token_id", kInt | kInts | kNull, ""},
};

constexpr Field kLlamaFields[] = {
    {"vocab_size", kInt, "32000"},
    {"hidden_size", kInt, "4096"},
    {"intermediate_size", kInt, "11008"},
    {"num_hidden_layers", kInt, "32"},
    {"num_attention_heads", kInt, "32"},
    {"num_key_value_heads", kInt | kNull, ""},
    {"head_dim", kInt | kNull, ""},
    {"hidden_act", kString, ""},
    {"max_position_embeddings", kInt, "2048"},
    {"rms_norm_eps", kFloat, "1e-6"},
    {"pretraining_tp", kInt | kNull, ""},
    {"attention_bias", kBool, ""},
    {"attention_dropout", kNumber | kNull, ""},
    {"mlp_bias", kBool, ""},
    {"tie_word_embeddings", kBool, "false"},
};

constexpr Field kMistralFields[] = {
    {"vocab_size", kInt, "32000"},
    {"hidden_size", kInt, "4096"},
    {"intermediate_size", kInt, "14336"},
    {"num_hidden_layers", kInt, "32"},
    {"num_attention_heads", kInt, "32"},
    {"num_key_value_heads", kInt, "8"},
    {"head_dim", kInt | kNull, ""},
    {"hidden_act", kString, ""},
    {"max_position_embeddings", kInt, "131072"},
    {"rms_norm_eps", kFloat, "1e-6"},
    {"attention_dropout", kNumber, ""},
    {"sliding_window", kInt | kNull, ""},
    {"tie_word_embeddings", kBool, "false"},
};

constexpr Field kMixtralFields[] = {
    {"vocab_size", kInt, "32000"},
    {"hidden_size", kInt, "4096"},
    {"intermediate_size", kInt, "14336"},
    {"num_hidden_layers", kInt, "32"},
    {"num_attention_heads", kInt, "32"},
    {"num_key_value_heads", kInt, "8"},
    {"head_dim", kInt | kNull, ""},
    {"hidden_act", kString, ""},
    {"max_position_embeddings", kInt, "131072"},
    {"rms_norm_eps", kFloat, "1e-5"},
    {"attention_dropout", kNumber, ""},
    {"sliding_window", kInt | kNull, ""},
    {"num_experts_per_tok", kInt, "2"},
    {"num_local_experts", kInt, "8", "num_experts"},
    {"output_router_logits", kBool, ""},
    {"router_aux_loss_coef", kFloat, ""},
    {"router_jitter_noise", kFloat, ""},
    {"tie_word_embeddings", kBool, "false"},
};

constexpr Field kGptBigcodeFields[] = {
    {"vocab_size", kInt, "50257"},
    {"n_positions", kInt, "1024", "max_position_embeddings"},
    {"n_embd", kInt, "768", "hidden_size"},
    {"n_layer", kInt, "12", "num_hidden_layers"},
    {"n_head", kInt, "12", "num_attention_heads"},
    {"n_inner", kInt | kNull, ""},
    {"activation_function", kString, ""},
    {"resid_pdrop", kNumber, ""},
    {"embd_pdrop", kNumber, ""},
    {"attn_pdrop", kNumber, ""},
    {"layer_norm_epsilon", kFloat, "1e-5"},
    {"scale_attn_weights", kBool, ""},
    {"attention_softmax_in_fp32", kBool, ""},
    {"scale_attention_softmax_in_fp32", kBool, ""},
    {"multi_query", kBool, "true"},
    {"add_cross_attention", kBool, ""},
    {"tie_word_embeddings", kBool, "true"},
};

constexpr Field kStarcoder2Fields[] = {
    {"vocab_size", kInt, "49152"},
    {"hidden_size", kInt, "3072"},
    {"intermediate_size", kInt, "12288"},
    {"num_hidden_layers", kInt, "30"},
    {"num_attention_heads", kInt, "24"},
    {"num_key_value_heads", kInt, "2"},
    {"hidden_act", kString, ""},
    {"max_position_embeddings", kInt, "4096"},
    {"norm_epsilon", kFloat, "1e-5"},
    {"sliding_window", kInt | kNull, ""},
    {"attention_dropout", kNumber, ""},
    {"residual_dropout", kNumber, ""},
    {"embedding_dropout", kNumber, ""},
    {"use_bias", kBool, "true"},
    {"tie_word_embeddings", kBool, "true"},
};

// No default for num_kv_heads: transformers gives the number of heads, which
// holds for neither of the layouts that have fewer.
constexpr Field kFalconFields[] = {
    {"vocab_size", kInt, "65024"},
    {"hidden_size", kInt, "4544", "n_embed"},
    {"num_hidden_layers", kInt, "32", "n_layer"},
    {"num_attention_heads", kInt, "71", "n_head"},
    {"num_ln_in_parallel_attn", kInt | kNull, ""},
    {"layer_norm_epsilon", kFloat | kNull, "1e-5"},
    {"hidden_dropout", kNumber | kNull, ""},
    {"attention_dropout", kNumber | kNull, ""},
    {"num_kv_heads", kInt | kNull, ""},
    {"alibi", kBool | kNull, ""},
    {"new_decoder_architecture", kBool | kNull, ""},
    {"multi_query", kBool | kNull, "true"},
    {"parallel_attn", kBool | kNull, ""},
    {"bias", kBool | kNull, ""},
    {"max_position_embeddings", kInt, "2048"},
    {"ffn_hidden_size", kInt | kNull, ""},
    {"activation", kString | kNull, ""},
    {"tie_word_embeddings", kBool, "true"},
};

constexpr Field kGptNeoxFields[] = {
    {"vocab_size", kInt, "50432"},
    {"hidden_size", kInt, "6144"},
    {"num_hidden_layers", kInt, "44"},
    {"num_attention_heads", kInt, "64"},
    {"intermediate_size", kInt, "24576"},
    {"hidden_act", kString, ""},
    {"attention_dropout", kNumber, ""},
    {"hidden_dropout", kNumber, ""},
    {"classifier_dropout", kNumber, ""},
    {"max_position_embeddings", kInt, "2048"},
    {"layer_norm_eps", kFloat, "1e-5"},
    {"use_parallel_residual", kBool, "true"},
    {"attention_bias", kBool, ""},
    {"is_decoder", kBool, ""},
    {"tie_word_embeddings", kBool, "false"},
};

struct ModelType {
  absl::string_view name;
  absl::Span<const Field> fields;
  bool rotary = true;                // has rope_parameters
  double rope_theta = 10000.0;       // their default
  bool heads_divide_hidden = false;  // checked
  bool derives_head_dim = false;     // hidden size / heads where not given
};

const ModelType* FindModelType(absl::string_view name) {
  static constexpr ModelType kModelTypes[] = {
      {.name = "llama",
       .fields = kLlamaFields,
       .heads_divide_hidden = true,
       .derives_head_dim = true},
      {.name = "mistral", .fields = kMistralFields, .derives_head_dim = true},
      {.name = "mixtral", .fields = kMixtralFields, .rope_theta = 1000000.0},
      {.name = "gpt_bigcode", .fields = kGptBigcodeFields, .rotary = false},
      {.name = "starcoder2", .fields = kStarcoder2Fields},
      {.name = "falcon", .fields = kFalconFields},
      {.name = "gpt_neox",
       .fields = kGptNeoxFields,
       .heads_divide_hidden = true},
  };
  for (const ModelType& type : kModelTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

bool Accepts(absl::Span<const Field> fields, const json& config) {
  for (const Field& field : fields) {
    const auto it = config.find(field.key);
    if (it != config.end() && (KindOf(*it) & field.kinds) == 0) return false;
  }
  return true;
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
std::optional<json> RopeParameters(const ModelType& type, const json& config) {
  json rope = ValueOr(config, "rope_scaling", nullptr);
  if (!Truthy(rope)) rope = ValueOr(config, "rope_parameters", nullptr);
  if (!Truthy(rope)) rope = json::object();
  if (!rope.is_object()) return std::nullopt;
  if (type.name == "gpt_neox") {
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
               config["max_position_embeddings"]);
  }
  if (!RopeIsComplete(rope)) return std::nullopt;
  return rope;
}

void FillFields(absl::Span<const Field> fields, json& config) {
  for (const Field& field : fields) {
    if (config.contains(field.key) || field.value.empty()) continue;
    if (!field.old_key.empty() && config.contains(field.old_key)) continue;
    config[std::string(field.key)] = json::parse(field.value);
  }
}

// Fills what follows from other fields; false if transformers would refuse.
bool FillDerived(const ModelType& type, json& config) {
  const json hidden = ValueOr(config, "hidden_size", nullptr);
  const json heads = ValueOr(config, "num_attention_heads", nullptr);
  if (type.derives_head_dim || type.heads_divide_hidden) {
    if (heads == 0) return false;
    const int64_t h = hidden.get<int64_t>();
    const int64_t n = heads.get<int64_t>();
    if (type.heads_divide_hidden && h % n != 0) return false;
    if (type.derives_head_dim &&
        ValueOr(config, "head_dim", nullptr).is_null()) {
      config["head_dim"] = h / n;
    }
  }
  if (type.name == "llama" &&
      ValueOr(config, "num_key_value_heads", nullptr).is_null()) {
    config["num_key_value_heads"] = heads;
  }
  return true;
}

}  // namespace

json WithDefaults(const json& config) {
  const json name = ValueOr(config, "model_type", nullptr);
  if (!name.is_string()) return config;
  const ModelType* type = FindModelType(name.get_ref<const std::string&>());
  if (type == nullptr || !Accepts(kCommonFields, config) ||
      !Accepts(type->fields, config)) {
    return config;
  }
  json filled = config;
  FillFields(type->fields, filled);
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
