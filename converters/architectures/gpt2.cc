// GPT-2.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
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

constexpr absl::string_view kClasses[] = {"GPT2LMHeadModel"};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "gpt2",
     .fields = {kGpt2Fields},
     .defaults = R"({"vocab_size": 50257, "n_positions": 1024, "n_embd": 768,
                     "n_layer": 12, "n_head": 12, "layer_norm_epsilon": 1e-5,
                     "tie_word_embeddings": true})",
     .rope = {.is_used = false}},
};

// Weights are stored as [inputs, outputs].
void Convolution(Names& n, absl::string_view target, absl::string_view source,
                 uint64_t outputs, uint64_t inputs) {
  n.Add(absl::StrCat(target, ".weight"),
        n.View(absl::StrCat(source, ".weight"), {inputs, outputs}).Swap(0, 1));
  n.Add(absl::StrCat(target, ".bias"),
        n.View(absl::StrCat(source, ".bias"), {outputs}));
}

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"gpt2", "GPT2Tokenizer"}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  ASSIGN_OR_RETURN(const uint32_t positions,
                   config.Uint({"n_positions", "max_position_embeddings"}));
  model.vocabulary = {.size = s.vocabulary,
                      .tokenizer_classes = kTokenizerClasses};

  Tensors& t = model.tensors;
  t.MayLack("transformer.");
  t.Matrix("token_embd", "transformer.wte", s.vocabulary, s.hidden);
  t.Matrix("position_embd", "transformer.wpe", positions, s.hidden);
  t.Vector("output_norm", "transformer.ln_f", s.hidden).WithBias();
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "transformer.h.")) {
    n.Vector("attn_norm", "ln_1", s.hidden).WithBias();
    Convolution(n, "attn_qkv", "attn.c_attn", 3 * s.hidden, s.hidden);
    Convolution(n, "attn_output", "attn.c_proj", s.hidden, s.hidden);
    n.Vector("ffn_norm", "ln_2", s.hidden).WithBias();
    Convolution(n, "ffn_up", "mlp.c_fc", s.feed_forward, s.hidden);
    Convolution(n, "ffn_down", "mlp.c_proj", s.hidden, s.feed_forward);
  }
  // Masks.
  t.Drop("*.attn.bias", "");
  t.Drop("*.attn.masked_bias", "");

  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("block_count", s.blocks);
  keys.Uint("context_length",
            config.Uint({"n_ctx", "n_positions", "max_position_embeddings"}));
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("feed_forward_length", 4 * s.hidden);
  keys.Uint("attention.head_count", s.heads);
  keys.Number("attention.layer_norm_epsilon",
              config.Number({"layer_norm_epsilon"}));
  keys.FileType();
  return keys.status();
}

}  // namespace

extern const Architecture kGpt2 = {"gpt2", kClasses, kConfigs, Describe};

}  // namespace converters
