// Granite 3, dense: Llama with four factors. Granite Code is Llama itself.

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

constexpr absl::string_view kClasses[] = {"GraniteForCausalLM"};

constexpr Field kFields[] = {
    {"embedding_multiplier", kNumber},
    {"logits_scaling", kNumber},
    {"residual_multiplier", kNumber},
    {"attention_multiplier", kNumber},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "granite",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields, kFields},
     .defaults = R"({"vocab_size": 32000, "hidden_size": 4096,
                     "intermediate_size": 11008, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "rms_norm_eps": 1e-6,
                     "max_position_embeddings": 2048,
                     "tie_word_embeddings": false, "embedding_multiplier": 1.0,
                     "logits_scaling": 1.0, "residual_multiplier": 1.0,
                     "attention_multiplier": 1.0})",
     .kv_heads_as_heads = true},
};

absl::Status AddFactors(const Config& config, KeyWriter& keys) {
  struct Row {
    absl::string_view key, setting;
  };
  for (const Row& row : {Row{"attention.scale", "attention_multiplier"},
                         Row{"embedding_scale", "embedding_multiplier"},
                         Row{"residual_scale", "residual_multiplier"},
                         Row{"logit_scale", "logits_scaling"}}) {
    ASSIGN_OR_RETURN(const double factor, config.NumberOr({row.setting}, 0));
    if (factor != 0) keys.Number(row.key, factor);
  }
  return keys.status();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(TextSizes s, ReadTextSizes(config));
  // A head_dim of its own isn't used.
  s.head_size = s.hidden / s.heads;
  RETURN_IF_ERROR(CheckRotary(s));
  model.vocabulary = LlamaVocabulary(s.vocabulary);

  Tensors& t = model.tensors;
  RETURN_IF_ERROR(AddLlama3Factors(config, s.head_size, t));
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    LlamaBlock(n, s, RotaryOrder::kPairs);
  }

  RETURN_IF_ERROR(
      AddLlamaParameters(model.architecture, config, s, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  keys.Remove("attention.key_length");
  keys.Remove("attention.value_length");
  return AddFactors(config, keys);
}

}  // namespace

extern const Architecture kGranite = {"granite", kClasses, kConfigs, Describe};

}  // namespace converters
