// Mistral Small 3.1 and later, Ministral 3: the text model, alone or of a model
// that also sees.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/rope_factors.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"Mistral3ForConditionalGeneration",
                                          "Ministral3ForCausalLM"};

constexpr Field kVisionFields[] = {
    {"image_token_index", kInt},
    {"projector_hidden_act", kString},
    {"vision_feature_layer", kInt | kInts},
    {"multimodal_projector_bias", kBool},
    {"spatial_merge_size", kInt},
};
constexpr Field kFields[] = {
    {"num_key_value_heads", kInt},    {"head_dim", kInt},
    {"rms_norm_eps", kFloat},         {"attention_dropout", kNumber},
    {"sliding_window", kInt | kNull},
};

constexpr absl::string_view kMinistral3 = "ministral3";

constexpr ConfigClass kConfigs[] = {
    {.model_type = "mistral3",
     .fields = {kVisionFields},
     .rope = {.is_used = false},
     .text_model_type = "mistral"},
    {.model_type = kMinistral3,
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 131072, "hidden_size": 4096,
                     "intermediate_size": 14336, "num_hidden_layers": 34,
                     "num_attention_heads": 32, "num_key_value_heads": 8,
                     "head_dim": 128, "rms_norm_eps": 1e-5,
                     "max_position_embeddings": 262144,
                     "tie_word_embeddings": false, "rope_parameters": {
                       "rope_type": "yarn", "rope_theta": 1e6, "factor": 16.0,
                       "original_max_position_embeddings": 16384,
                       "beta_fast": 32.0, "beta_slow": 1.0,
                       "mscale_all_dim": 1.0, "mscale": 1.0,
                       "llama_4_scaling_beta": 0.1}})"},
};

absl::Status AddMinistral3Keys(const Config& rope, KeyWriter& keys) {
  if (rope.Text({"rope_type"}) != "yarn") {
    return rope.Unexpected({"rope_type"}, "yarn, as ministral3 has it");
  }
  keys.Number("rope.scaling.yarn_log_multiplier",
              rope.Number({"mscale_all_dim"}));
  keys.Number("attention.temperature_scale",
              rope.Number({"llama_4_scaling_beta"}));
  return keys.status();
}

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"mistral3", vocab::kPlainTokenizerClass},
    {"ministral3", vocab::kPlainTokenizerClass}};

absl::Status Describe(const Config& config, Model& model) {
  const std::string type = config.Text({"model_type"});
  if (type == "mistral4") {
    return config.Unexpected({"model_type"}, "mistral or ministral3");
  }
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  model.vocabulary = LlamaVocabulary(s.vocabulary);
  model.vocabulary.tokenizer_classes = kTokenizerClasses;

  DropMultimodal(model.tensors);
  RETURN_IF_ERROR(AddLlama3Factors(config, s.head_size, model.tensors));
  EmbeddingAndHead(model.tensors, s);
  for (Names n : model.tensors.Each(s.blocks, "model.layers.")) {
    LlamaBlock(n, s, RotaryOrder::kPairs);
  }

  RETURN_IF_ERROR(
      AddLlamaParameters(model.architecture, config, s, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  if (type != kMinistral3) return absl::OkStatus();
  return AddMinistral3Keys(config.Rope(), keys);
}

}  // namespace

extern const Architecture kMistral3 = {"mistral3", kClasses, kConfigs,
                                       Describe};

}  // namespace converters
