#include "converters/starcoder/starcoder.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/converter.h"
#include "base/status_macros.h"
#include "converters/tensor_rules.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kName = "starcoder";
constexpr absl::string_view kHuggingFaceNames[] = {"GPTBigCodeForCausalLM"};

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"gpt_bigcode", "GPT2Tokenizer"}};

// Newer transformers write into every file that spaces are kept; here that must
// not tell the model from its descendants.
constexpr vocab::PreTokenizerName kPreTokenizers[] = {{"smollm", "starcoder"}};

struct Sizes : TextSizes {
  uint64_t positions = 0;
};

absl::StatusOr<Sizes> ReadSizes(const Config& config) {
  ASSIGN_OR_RETURN(const TextSizes text, ReadTextSizes(config));
  Sizes sizes{text};
  ASSIGN_OR_RETURN(sizes.positions,
                   config.Uint({"n_positions", "max_position_embeddings"}));
  ASSIGN_OR_RETURN(const bool multi_query,
                   config.BoolOr({"multi_query"}, true));
  if (!multi_query) {
    return absl::InvalidArgumentError(
        "config.json: multi_query is false, but in GGUF all heads of a "
        "starcoder model share one key-value head");
  }
  return sizes;
}

TensorRules Tensors(const Sizes& s) {
  const uint64_t qkv = s.hidden + 2 * s.head_size;
  const std::string layer = "transformer.h.{}.";
  return {
      .architecture = kName,
      .blocks = s.blocks,
      .rules =
          {
              {"transformer.wte", "token_embd", {s.vocabulary, s.hidden}},
              {"transformer.wpe", "position_embd", {s.positions, s.hidden}},
              TensorRule(layer + "ln_1", "blk.{}.attn_norm", {s.hidden})
                  .WithBias(),
              TensorRule(layer + "attn.c_attn", "blk.{}.attn_qkv",
                         {qkv, s.hidden})
                  .WithBias(),
              TensorRule(layer + "attn.c_proj", "blk.{}.attn_output",
                         {s.hidden, s.hidden})
                  .WithBias(),
              TensorRule(layer + "ln_2", "blk.{}.ffn_norm", {s.hidden})
                  .WithBias(),
              TensorRule(layer + "mlp.c_fc", "blk.{}.ffn_up",
                         {s.feed_forward, s.hidden})
                  .WithBias(),
              TensorRule(layer + "mlp.c_proj", "blk.{}.ffn_down",
                         {s.hidden, s.feed_forward})
                  .WithBias(),
              TensorRule("transformer.ln_f", "output_norm", {s.hidden})
                  .WithBias(),
              TensorRule("lm_head", "output", {s.vocabulary, s.hidden})
                  .Optional(),
          },
      .ignored = {".attn.bias", ".attn.masked_bias"},
  };
}

class Starcoder final : public Architecture {
 public:
  Starcoder() : Architecture(kName, kHuggingFaceNames) {}

 private:
  absl::StatusOr<Description> Describe(const Config& config) const override {
    ASSIGN_OR_RETURN(const Sizes sizes, ReadSizes(config));
    Description model = {
        .tensors = Tensors(sizes),
        .vocabulary = {.size = sizes.vocabulary,
                       .pre_tokenizers = kPreTokenizers,
                       .tokenizer_classes = kTokenizerClasses}};
    KeyWriter keys(kName, model.parameters);
    keys.Uint("context_length", sizes.positions);
    keys.Uint("embedding_length", sizes.hidden);
    keys.Uint("feed_forward_length", sizes.feed_forward);
    keys.Uint("block_count", sizes.blocks);
    keys.Uint("attention.head_count", sizes.heads);
    keys.Uint("attention.head_count_kv", 1);
    keys.Number("attention.layer_norm_epsilon",
                config.Number({"layer_norm_epsilon"}));
    keys.FileType();
    RETURN_IF_ERROR(keys.status());
    return model;
  }
};

}  // namespace

const Converter& StarcoderConverter() {
  static const Starcoder* const converter = new Starcoder;
  return *converter;
}

}  // namespace converters
