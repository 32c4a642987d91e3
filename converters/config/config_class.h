// File: converters/config/config_class.h
//
// What Hugging Face's transformers makes of a config.json before the reference
// converter sees it: keys that the file leaves out get the defaults of its
// model_type, and rotary settings of all ages become `rope_parameters`. The
// rules are those of transformers 5.12's AutoConfig, with one exception: a
// default does not override an old spelling of the same key.
//
// What differs from class to class is data, ConfigClass, which the architecture
// of the model_type has and passes in.

#ifndef CONVERTERS_CONFIG_CONFIG_CLASS_H_
#define CONVERTERS_CONFIG_CONFIG_CLASS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "nlohmann/json_fwd.hpp"

namespace converters {

// Types of JSON values, as a set.
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

// A key of config.json and the types that it accepts: a file that has another
// type there is refused by the class.
struct Field {
  absl::string_view key;
  uint32_t kinds;
};
using Fields = absl::Span<const Field>;

// Fields that most classes have, besides those that all have.
inline constexpr Field kSizeFields[] = {
    {"hidden_size", kInt},
    {"num_hidden_layers", kInt},
    {"num_attention_heads", kInt},
    {"max_position_embeddings", kInt},
};
inline constexpr Field kFeedForwardFields[] = {
    {"intermediate_size", kInt},
    {"hidden_act", kString},
};

// Fields that most classes of decoders have, by now.
inline constexpr Field kDecoderFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"head_dim", kInt | kNull},
    {"rms_norm_eps", kFloat},
    {"attention_bias", kBool},
    {"attention_dropout", kNumber | kNull},
    {"mlp_bias", kBool},
    {"sliding_window", kInt | kNull},
    {"layer_types", kStrings | kNull},
};

// Fields of GPT-2 and what descends from its class.
inline constexpr Field kGpt2Fields[] = {
    {"n_positions", kInt},
    {"n_embd", kInt},
    {"n_layer", kInt},
    {"n_head", kInt},
    {"n_inner", kInt | kNull},
    {"activation_function", kString},
    {"resid_pdrop", kNumber},
    {"embd_pdrop", kNumber},
    {"attn_pdrop", kNumber},
    {"layer_norm_epsilon", kFloat},
    {"scale_attn_weights", kBool},
    {"add_cross_attention", kBool},
};

// How a class finds its rotary settings.
struct RopeDefaults {
  bool is_used = true;  // it has rope_parameters
  double theta = 10000.0;
  absl::string_view theta_key = "rope_theta";
  // The rotated share of each head; an empty key: the class has none.
  absl::string_view share_key = "";
  double share = 1.0;
  // Unless empty: blocks with full and with sliding attention have settings of
  // their own. The base of the latter's; all that stands at the top level else
  // is about the former.
  absl::string_view local_theta_key = "";
  double local_theta = 10000.0;
};

struct ConfigClass {
  absl::string_view model_type;
  // Its fields, besides those that all classes have.
  Fields fields[5] = {};
  // The defaults that matter to a converter, as JSON.
  const char* defaults = "{}";
  RopeDefaults rope = {};
  bool heads_divide_hidden = false;  // else it is refused
  bool derives_head_dim = false;     // hidden size / heads where null
  bool kv_heads_as_heads = false;    // as many as heads where null
  // Of a class that holds a text model's settings in an object of their own:
  // the model_type of that object if it doesn't say its own.
  absl::string_view text_model_type = "";
  // What else the class derives, from the fields with their defaults; false
  // if it refuses them.
  bool (*complete)(nlohmann::json& config) = nullptr;
};

// `config`, an object, with defaults filled in, the settings of a text model
// (text_config and its like, which get the defaults of their own class) over
// all others. A config whose model_type no class here has, or that its class
// would reject (a value of the wrong type, heads that do not divide the hidden
// size, incomplete rotary scaling), gets no defaults: the reference then goes
// by the file alone.
nlohmann::json WithDefaults(const nlohmann::json& config,
                            absl::Span<const ConfigClass> classes);

}  // namespace converters

#endif  // CONVERTERS_CONFIG_CONFIG_CLASS_H_
