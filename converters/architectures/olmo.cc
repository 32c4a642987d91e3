// OLMo: norms without weights.

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"OlmoForCausalLM", "OLMoForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"attention_bias", kBool},
    {"attention_dropout", kNumber},
    {"clip_qkv", kFloat | kNull},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "olmo",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 50304, "hidden_size": 4096,
                     "intermediate_size": 11008, "num_hidden_layers": 32,
                     "num_attention_heads": 32,
                     "max_position_embeddings": 2048,
                     "tie_word_embeddings": false})",
     .kv_heads_as_heads = true},
};

// What the model's code has; config.json doesn't say it.
constexpr double kEpsilon = 1e-5;

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"olmo", "GPTNeoXTokenizer"}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  model.vocabulary = {.size = s.vocabulary,
                      .tokenizer_classes = kTokenizerClasses};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    Attention(n, s, RotaryOrder::kPairs);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  keys.Number("attention.layer_norm_epsilon", kEpsilon);
  keys.Number("attention.clamp_kqv", config.OptionalNumber({"clip_qkv"}));
  return keys.status();
}

}  // namespace

extern const Architecture kOlmo = {"olmo", kClasses, kConfigs, Describe};

}  // namespace converters
