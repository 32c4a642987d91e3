// Refact: one key-value head, keys and values fused, gate and up fused.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/tensor_view.h"
#include "converters/tensors.h"
#include "converters/vocab/pre_tokenizer.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"GPTRefactForCausalLM"};

constexpr vocab::PreTokenizerName kPreTokenizers[] = {{"starcoder", "refact"},
                                                      {"smollm", "refact"}};

// The model's code rounds two thirds of four times the width up to this.
constexpr uint64_t kMultiple = 256;

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  const uint64_t feed_forward =
      (8 * s.hidden / 3 + kMultiple - 1) / kMultiple * kMultiple;
  model.vocabulary = {.size = s.vocabulary, .pre_tokenizers = kPreTokenizers};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "transformer.wte", s.vocabulary, s.hidden);
  t.Vector("output_norm", "transformer.ln_f", s.hidden);
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "transformer.h.")) {
    n.Vector("attn_norm", "ln_1", s.hidden);
    n.Matrix("attn_q", "attn.q", s.hidden, s.hidden);
    const TensorView kv = n.View("attn.kv.weight", {2 * s.head_size, s.hidden});
    n.Add("attn_k.weight", kv.Slice(0, 0, s.head_size));
    n.Add("attn_v.weight", kv.Slice(0, s.head_size, s.head_size));
    n.Matrix("attn_output", "attn.c_proj", s.hidden, s.hidden);
    n.Vector("ffn_norm", "ln_2", s.hidden);
    const TensorView gate_up =
        n.View("mlp.gate_up_proj.weight", {2 * feed_forward, s.hidden});
    n.Add("ffn_gate.weight", gate_up.Slice(0, 0, feed_forward));
    n.Add("ffn_up.weight", gate_up.Slice(0, feed_forward, feed_forward));
    n.Matrix("ffn_down", "mlp.c_proj", s.hidden, feed_forward);
  }

  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", config.Uint({"n_positions"}));
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("feed_forward_length", feed_forward);
  keys.Uint("block_count", s.blocks);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", 1);
  keys.Number("attention.layer_norm_rms_epsilon",
              config.Number({"layer_norm_epsilon"}));
  keys.FileType();
  return keys.status();
}

}  // namespace

extern const Architecture kRefact = {"refact", kClasses, {}, Describe};

}  // namespace converters
