// CodeShell.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/tensors.h"
#include "converters/vocab/pre_tokenizer.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"CodeShellForCausalLM"};

constexpr vocab::PreTokenizerName kPreTokenizers[] = {
    {"starcoder", "codeshell"}, {"smollm", "codeshell"}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(TextSizes s, ReadTextSizes(config));
  ASSIGN_OR_RETURN(s.kv_heads, config.Uint({"num_query_groups"}));
  ASSIGN_OR_RETURN(const uint32_t positions, config.Uint({"n_positions"}));
  model.vocabulary = {.size = s.vocabulary, .pre_tokenizers = kPreTokenizers};

  Tensors& t = model.tensors;
  const uint64_t qkv = (s.heads + 2 * s.kv_heads) * s.head_size;
  t.Matrix("token_embd", "transformer.wte", s.vocabulary, s.hidden);
  t.Vector("output_norm", "transformer.ln_f", s.hidden).WithBias();
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "transformer.h.")) {
    n.Vector("attn_norm", "ln_1", s.hidden).WithBias();
    n.Matrix("attn_qkv", "attn.c_attn", qkv, s.hidden).WithBias();
    n.Matrix("attn_output", "attn.c_proj", s.hidden, s.hidden).WithBias();
    n.Vector("ffn_norm", "ln_2", s.hidden).WithBias();
    n.Matrix("ffn_up", "mlp.c_fc", s.feed_forward, s.hidden).WithBias();
    n.Matrix("ffn_down", "mlp.c_proj", s.hidden, s.feed_forward).WithBias();
  }

  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", positions);
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("feed_forward_length", 4 * s.hidden);
  keys.Uint("block_count", s.blocks);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", s.kv_heads);
  keys.Number("attention.layer_norm_epsilon",
              config.Number({"layer_norm_epsilon"}));
  keys.FileType();
  // Fixed by the model's code; a factor of 1 scales nothing.
  keys.Number("rope.freq_base", 10000);
  keys.String("rope.scaling.type", "linear");
  keys.Number("rope.scaling.factor", 1);
  return keys.status();
}

}  // namespace

extern const Architecture kCodeShell = {"codeshell", kClasses, {}, Describe};

}  // namespace converters
