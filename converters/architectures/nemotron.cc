// Nemotron-4 and Minitron.

#include <cstdint>
#include <optional>

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
#include "converters/value_map.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"NemotronForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"head_dim", kInt | kNull},
    {"norm_eps", kFloat},
    {"attention_bias", kBool},
    {"mlp_bias", kBool},
    {"attention_dropout", kNumber},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "nemotron",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 256000, "hidden_size": 6144,
                     "intermediate_size": 24576, "num_hidden_layers": 32,
                     "num_attention_heads": 48, "norm_eps": 1e-5,
                     "max_position_embeddings": 4096,
                     "tie_word_embeddings": false})",
     .rope = {.share_key = "partial_rotary_factor", .share = 0.5},
     .derives_head_dim = true},
};

// The special tokens that no file names.
absl::Status AddTokens(const vocab::TokenizerFiles&, gguf::Metadata& metadata) {
  metadata.Set("tokenizer.ggml.padding_token_id", uint32_t{0});
  metadata.Set("tokenizer.ggml.unknown_token_id", uint32_t{1});
  return absl::OkStatus();
}

// LayerNorm1p, whose weights are stored around 0.
void Norm(Names& n, absl::string_view target, absl::string_view source,
          const TextSizes& s) {
  n.Vector(target, source, s.hidden).MaybeBias().Map(ValueMap::AddOne());
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  ASSIGN_OR_RETURN(const uint64_t rotated, RotatedPart(config, 0.5, s.hidden));
  ASSIGN_OR_RETURN(std::optional<double> factor,
                   config.OptionalNumber({"factor"}));
  if (factor.value_or(0) == 0) {
    ASSIGN_OR_RETURN(factor, config.Rope().OptionalNumber({"factor"}));
  }
  model.vocabulary = {.kind = vocab::Kind::kSentencePiece,
                      .size = s.vocabulary,
                      .finish = AddTokens};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  Norm(t, "output_norm", "model.norm", s);
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    Norm(n, "attn_norm", "input_layernorm", s);
    Attention(n, s);
    Norm(n, "ffn_norm", "post_attention_layernorm", s);
    n.Matrix("ffn_up", "mlp.up_proj", s.feed_forward, s.hidden).MaybeBias();
    n.Matrix("ffn_down", "mlp.down_proj", s.hidden, s.feed_forward).MaybeBias();
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("vocab_size", s.vocabulary);
  keys.Number("attention.layer_norm_epsilon",
              config.Number({"layer_norm_eps", "layer_norm_epsilon",
                             "norm_epsilon", "norm_eps"}));
  keys.Uint("rope.dimension_count", rotated / s.heads);
  keys.String("rope.scaling.type", factor ? "linear" : "none");
  if (factor) keys.Number("rope.scaling.factor", *factor);
  return keys.status();
}

}  // namespace

extern const Architecture kNemotron = {"nemotron", kClasses, kConfigs,
                                       Describe};

}  // namespace converters
