#include "converters/baichuan/baichuan.h"

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/converter.h"
#include "converters/row_maps.h"
#include "converters/tensor_rules.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kName = "baichuan";
constexpr absl::string_view kHuggingFaceNames[] = {"BaichuanForCausalLM",
                                                   "BaiChuanForCausalLM"};

// Queries and keys are permuted for rotary positions even in the 13B models,
// which have none: the permutation of both leaves their products as they are.
TensorRules Tensors(const TextSizes& s) {
  const std::string layer = "model.layers.{}.";
  return {
      .architecture = kName,
      .blocks = s.blocks,
      .rules =
          {
              {"model.embed_tokens", "token_embd", {s.vocabulary, s.hidden}},
              {layer + "input_layernorm", "blk.{}.attn_norm", {s.hidden}},
              {layer + "self_attn.W_pack",
               {{"blk.{}.attn_q", {RotaryRows(0, s.heads, s.head_size)}},
                {"blk.{}.attn_k", {RotaryRows(s.hidden, s.heads, s.head_size)}},
                {"blk.{}.attn_v", {ConsecutiveRows(2 * s.hidden, s.hidden)}}},
               {3 * s.hidden, s.hidden}},
              {layer + "self_attn.o_proj",
               "blk.{}.attn_output",
               {s.hidden, s.hidden}},
              {layer + "post_attention_layernorm",
               "blk.{}.ffn_norm",
               {s.hidden}},
              {layer + "mlp.gate_proj",
               "blk.{}.ffn_gate",
               {s.feed_forward, s.hidden}},
              {layer + "mlp.up_proj",
               "blk.{}.ffn_up",
               {s.feed_forward, s.hidden}},
              {layer + "mlp.down_proj",
               "blk.{}.ffn_down",
               {s.hidden, s.feed_forward}},
              {"model.norm", "output_norm", {s.hidden}},
              TensorRule("lm_head", "output", {s.vocabulary, s.hidden})
                  .Optional(),
          },
  };
}

class Baichuan final : public Architecture {
 public:
  Baichuan() : Architecture(kName, kHuggingFaceNames) {}

 private:
  absl::StatusOr<Description> Describe(const Config& config) const override {
    ASSIGN_OR_RETURN(const TextSizes sizes, ReadTextSizes(config));
    RETURN_IF_ERROR(CheckRotary(sizes));
    Description model = {.tensors = Tensors(sizes),
                         .vocabulary = {.kind = vocab::Kind::kSentencePiece,
                                        .size = sizes.vocabulary}};
    RETURN_IF_ERROR(AddTextParameters(kName, config, model.parameters));
    KeyWriter keys(kName, model.parameters);
    keys.String("tensor_data_layout", "Meta AI original pth");
    keys.Uint("rope.dimension_count", sizes.head_size);
    RETURN_IF_ERROR(keys.status());
    return model;
  }
};

}  // namespace

const Converter& BaichuanConverter() {
  static const Baichuan* const converter = new Baichuan;
  return *converter;
}

}  // namespace converters
