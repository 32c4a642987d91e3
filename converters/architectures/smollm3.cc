// SmolLM 3. Which blocks have no rotary embedding the runtime knows itself.

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

constexpr absl::string_view kClasses[] = {"SmolLM3ForCausalLM"};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "smollm3",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields},
     .defaults = R"({"vocab_size": 128256, "hidden_size": 2048,
                     "intermediate_size": 11008, "num_hidden_layers": 36,
                     "num_attention_heads": 16, "num_key_value_heads": 4,
                     "rms_norm_eps": 1e-6, "max_position_embeddings": 32768,
                     "tie_word_embeddings": true})",
     .rope = {.theta = 2000000.0},
     .kv_heads_as_heads = true},
};

// The vocabulary has the structure of Llama 3's, and begins texts with nothing.
constexpr vocab::PreTokenizerName kPreTokenizers[] = {
    {"llama-bpe", "smaug-bpe"}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  model.vocabulary = LlamaVocabulary(s.vocabulary);
  model.vocabulary.pre_tokenizers = kPreTokenizers;

  Tensors& t = model.tensors;
  RETURN_IF_ERROR(AddLlama3Factors(config, s.head_size, t));
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    LlamaBlock(n, s, RotaryOrder::kPairs);
  }

  return AddLlamaParameters(model.architecture, config, s, model.keys);
}

}  // namespace

extern const Architecture kSmollm3 = {"smollm3", kClasses, kConfigs, Describe};

}  // namespace converters
