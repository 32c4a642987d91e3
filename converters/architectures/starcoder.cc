// StarCoder and SantaCoder (GPT-BigCode).

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"GPTBigCodeForCausalLM"};

// Besides GPT-2's.
constexpr Field kFields[] = {
    {"attention_softmax_in_fp32", kBool},
    {"scale_attention_softmax_in_fp32", kBool},
    {"multi_query", kBool},
};
constexpr ConfigClass kConfigs[] = {
    {.model_type = "gpt_bigcode",
     .fields = {kGpt2Fields, kFields},
     .defaults = R"({"vocab_size": 50257, "n_embd": 768, "n_layer": 12,
                     "n_head": 12, "n_positions": 1024,
                     "layer_norm_epsilon": 1e-5, "multi_query": true,
                     "tie_word_embeddings": true})",
     .rope = {.is_used = false}},
};

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"gpt_bigcode", "GPT2Tokenizer"}};

// Newer transformers write into every file that spaces are kept; here that must
// not tell the model from its descendants.
constexpr vocab::PreTokenizerName kPreTokenizers[] = {{"smollm", "starcoder"}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  ASSIGN_OR_RETURN(const uint64_t positions,
                   config.Uint({"n_positions", "max_position_embeddings"}));
  ASSIGN_OR_RETURN(const bool multi_query,
                   config.BoolOr({"multi_query"}, true));
  if (!multi_query) {
    return absl::InvalidArgumentError(
        "config.json: multi_query is false, but in GGUF all heads of a "
        "starcoder model share one key-value head");
  }
  model.vocabulary = {.size = s.vocabulary,
                      .pre_tokenizers = kPreTokenizers,
                      .tokenizer_classes = kTokenizerClasses};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "transformer.wte", s.vocabulary, s.hidden);
  t.Matrix("position_embd", "transformer.wpe", positions, s.hidden);
  t.Vector("output_norm", "transformer.ln_f", s.hidden).WithBias();
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "transformer.h.")) {
    n.Vector("attn_norm", "ln_1", s.hidden).WithBias();
    n.Matrix("attn_qkv", "attn.c_attn", s.hidden + 2 * s.head_size, s.hidden)
        .WithBias();
    n.Matrix("attn_output", "attn.c_proj", s.hidden, s.hidden).WithBias();
    n.Vector("ffn_norm", "ln_2", s.hidden).WithBias();
    n.Matrix("ffn_up", "mlp.c_fc", s.feed_forward, s.hidden).WithBias();
    n.Matrix("ffn_down", "mlp.c_proj", s.hidden, s.feed_forward).WithBias();
  }
  // Masks.
  t.Drop("*.attn.bias", "");
  t.Drop("*.attn.masked_bias", "");

  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", positions);
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("feed_forward_length", s.feed_forward);
  keys.Uint("block_count", s.blocks);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", 1);
  keys.Number("attention.layer_norm_epsilon",
              config.Number({"layer_norm_epsilon"}));
  keys.FileType();
  return keys.status();
}

}  // namespace

extern const Architecture kStarcoder = {"starcoder", kClasses, kConfigs,
                                        Describe};

}  // namespace converters
