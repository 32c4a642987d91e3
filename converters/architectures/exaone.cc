// EXAONE 3.0 and 3.5.

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/rope_factors.h"
#include "converters/tensors.h"
#include "converters/vocab/pre_tokenizer.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"ExaoneForCausalLM"};

constexpr vocab::PreTokenizerName kPreTokenizers[] = {
    {"starcoder", "exaone"}, {"smollm", "exaone"}, {"command-r", "exaone"}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  if (const std::string activation = config.Text({"activation_function"});
      activation != "silu") {
    return config.Unexpected({"activation_function"}, "silu");
  }
  ASSIGN_OR_RETURN(const uint64_t rotated,
                   RotatedPart(config, 1.0, s.hidden / s.heads));
  model.vocabulary = {.size = s.vocabulary, .pre_tokenizers = kPreTokenizers};

  Tensors& t = model.tensors;
  RETURN_IF_ERROR(AddLlama3Factors(config, s.head_size, t));
  const uint64_t q = s.heads * s.head_size, kv = s.kv_heads * s.head_size;
  t.Matrix("token_embd", "transformer.wte", s.vocabulary, s.hidden);
  t.Vector("output_norm", "transformer.ln_f", s.hidden);
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "transformer.h.")) {
    n.Vector("attn_norm", "ln_1", s.hidden);
    n.Matrix("attn_q", "attn.attention.q_proj", q, s.hidden);
    n.Matrix("attn_k", "attn.attention.k_proj", kv, s.hidden);
    n.Matrix("attn_v", "attn.attention.v_proj", kv, s.hidden);
    n.Matrix("attn_output", "attn.attention.out_proj", s.hidden, q);
    n.Vector("ffn_norm", "ln_2", s.hidden);
    n.Matrix("ffn_gate", "mlp.c_fc_0", s.feed_forward, s.hidden);
    n.Matrix("ffn_up", "mlp.c_fc_1", s.feed_forward, s.hidden);
    n.Matrix("ffn_down", "mlp.c_proj", s.hidden, s.feed_forward);
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  // The norms are RMS norms, as the runtime knows; config.json's name for their
  // epsilon is that of the other kind, and with the reference's key of that
  // name the runtime refuses the file.
  model.keys.Rename("exaone.attention.layer_norm_epsilon",
                    "exaone.attention.layer_norm_rms_epsilon");
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("rope.dimension_count", rotated);
  return keys.status();
}

}  // namespace

extern const Architecture kExaone = {"exaone", kClasses, {}, Describe};

}  // namespace converters
