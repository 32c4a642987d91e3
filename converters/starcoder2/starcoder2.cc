#include "converters/starcoder2/starcoder2.h"

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/text_model.h"
#include "converters/converter.h"
#include "converters/tensor_rules.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kName = "starcoder2";
constexpr absl::string_view kHuggingFaceNames[] = {"Starcoder2ForCausalLM"};

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"starcoder2", "GPT2Tokenizer"}};

// Newer transformers write into every file that spaces are kept; here that must
// not tell the model from its descendants.
constexpr vocab::PreTokenizerName kPreTokenizers[] = {{"smollm", "starcoder"}};

// Hugging Face's order of rows in a head is the runtime's own, so nothing is
// permuted. use_bias can be false.
TensorRules Tensors(const TextSizes& s) {
  const uint64_t kv = s.kv_heads * s.head_size;
  const std::string layer = "model.layers.{}.";
  return {
      .architecture = kName,
      .blocks = s.blocks,
      .rules =
          {
              {"model.embed_tokens", "token_embd", {s.vocabulary, s.hidden}},
              TensorRule(layer + "input_layernorm", "blk.{}.attn_norm",
                         {s.hidden})
                  .WithBias(),
              TensorRule(layer + "self_attn.q_proj", "blk.{}.attn_q",
                         {s.hidden, s.hidden})
                  .MaybeBias(),
              TensorRule(layer + "self_attn.k_proj", "blk.{}.attn_k",
                         {kv, s.hidden})
                  .MaybeBias(),
              TensorRule(layer + "self_attn.v_proj", "blk.{}.attn_v",
                         {kv, s.hidden})
                  .MaybeBias(),
              TensorRule(layer + "self_attn.o_proj", "blk.{}.attn_output",
                         {s.hidden, s.hidden})
                  .MaybeBias(),
              TensorRule(layer + "post_attention_layernorm", "blk.{}.ffn_norm",
                         {s.hidden})
                  .WithBias(),
              TensorRule(layer + "mlp.c_fc", "blk.{}.ffn_up",
                         {s.feed_forward, s.hidden})
                  .MaybeBias(),
              TensorRule(layer + "mlp.c_proj", "blk.{}.ffn_down",
                         {s.hidden, s.feed_forward})
                  .MaybeBias(),
              TensorRule("model.norm", "output_norm", {s.hidden}).WithBias(),
              TensorRule("lm_head", "output", {s.vocabulary, s.hidden})
                  .Optional(),
          },
  };
}

class Starcoder2 final : public Architecture {
 public:
  Starcoder2() : Architecture(kName, kHuggingFaceNames) {}

 private:
  absl::StatusOr<Description> Describe(const Config& config) const override {
    ASSIGN_OR_RETURN(const TextSizes sizes, ReadTextSizes(config));
    Description model = {
        .tensors = Tensors(sizes),
        .vocabulary = {.size = sizes.vocabulary,
                       .pre_tokenizers = kPreTokenizers,
                       .tokenizer_classes = kTokenizerClasses}};
    RETURN_IF_ERROR(AddTextParameters(kName, config, model.parameters));
    return model;
  }
};

}  // namespace

const Converter& Starcoder2Converter() {
  static const Starcoder2* const converter = new Starcoder2;
  return *converter;
}

}  // namespace converters
