// OLMo 2 and 3: norms behind attention and feed-forward, and over all queries
// and all keys. OLMo 3 looks at a window in most of its blocks.

#include <cstdint>
#include <vector>

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
#include "converters/vocab/pre_tokenizer.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"Olmo2ForCausalLM",
                                          "Olmo3ForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"rms_norm_eps", kFloat},
    {"attention_bias", kBool},
    {"attention_dropout", kNumber},
};
constexpr Field kWindowFields[] = {
    {"sliding_window", kInt | kNull},
    {"layer_types", kStrings | kNull},
};

// Every fourth block looks at everything.
constexpr uint64_t kPeriod = 4;

constexpr ConfigClass kConfigs[] = {
    {.model_type = "olmo2",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 50304, "hidden_size": 4096,
                     "intermediate_size": 11008, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "rms_norm_eps": 1e-5,
                     "max_position_embeddings": 2048,
                     "tie_word_embeddings": false})",
     .kv_heads_as_heads = true},
    {.model_type = "olmo3",
     .fields = {kSizeFields, kFeedForwardFields, kFields, kWindowFields},
     .defaults = R"({"vocab_size": 50304, "hidden_size": 4096,
                     "intermediate_size": 11008, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "rms_norm_eps": 1e-5,
                     "max_position_embeddings": 2048,
                     "sliding_window": 4096, "tie_word_embeddings": false})",
     .kv_heads_as_heads = true},
};

constexpr vocab::PreTokenizerName kPreTokenizers[] = {{"smaug-bpe", "dbrx"}};

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"olmo2", "GPTNeoXTokenizer"}, {"olmo3", vocab::kPlainTokenizerClass}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.size = s.vocabulary,
                      .pre_tokenizers = kPreTokenizers,
                      .tokenizer_classes = kTokenizerClasses};

  Tensors& t = model.tensors;
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    Attention(n, s);
    n.Vector("attn_q_norm", "self_attn.q_norm", s.heads * s.head_size);
    n.Vector("attn_k_norm", "self_attn.k_norm", s.kv_heads * s.head_size);
    n.Vector("post_attention_norm", "post_attention_layernorm", s.hidden);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
    n.Vector("post_ffw_norm", "post_feedforward_layernorm", s.hidden);
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  if (!config.Has({"sliding_window"})) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::vector<bool> sliding, SlidingBlocks(config, s.blocks));
  if (sliding.empty()) sliding = AllButEvery(kPeriod, s.blocks);
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("attention.sliding_window", config.Uint({"sliding_window"}));
  keys.Bools("attention.sliding_window_pattern", sliding);
  return keys.status();
}

}  // namespace

extern const Architecture kOlmo2 = {"olmo2", kClasses, kConfigs, Describe};

}  // namespace converters
