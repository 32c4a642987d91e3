#include "converters/falcon/falcon.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/converter.h"
#include "converters/model_plan.h"
#include "converters/row_maps.h"
#include "converters/tensor_rules.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kName = "falcon";
constexpr absl::string_view kHuggingFaceNames[] = {"FalconForCausalLM",
                                                   "RWForCausalLM"};

// No Falcon's config.json has said otherwise.
constexpr uint64_t kContextLength = 2048;

// The 40B layout, which old configs only show by naming a number of key-value
// heads, has that many; the 7B layout has one for all queries, whatever number
// is given, or one for each where multi_query is false.
absl::StatusOr<uint64_t> KvHeads(const Config& config, uint64_t heads) {
  ASSIGN_OR_RETURN(const bool new_layout,
                   config.BoolOr({"new_decoder_architecture"},
                                 config.Find({"n_head_kv"}) != nullptr));
  if (new_layout) return config.UintOr({"num_kv_heads", "n_head_kv"}, heads);
  ASSIGN_OR_RETURN(const bool multi_query,
                   config.BoolOr({"multi_query"}, true));
  return multi_query ? 1 : heads;
}

absl::StatusOr<TextSizes> ReadSizes(const Config& config) {
  ASSIGN_OR_RETURN(TextSizes s, ReadTextSizes(config));
  ASSIGN_OR_RETURN(s.kv_heads, KvHeads(config, s.heads));
  if (s.kv_heads == 0 || s.heads % s.kv_heads != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("config.json: ", s.heads, " heads can't share ",
                     s.kv_heads, " key-value heads (num_kv_heads)"));
  }
  return s;
}

// Each key-value head stands behind its queries; GGUF wants all queries, then
// all keys, then all values.
std::vector<RowMap> QueriesKeysValues(const TextSizes& s) {
  const uint64_t queries = s.heads / s.kv_heads * s.head_size;
  const uint64_t group = queries + 2 * s.head_size;
  return {GroupedRows(s.kv_heads, group, 0, queries),
          GroupedRows(s.kv_heads, group, queries, s.head_size),
          GroupedRows(s.kv_heads, group, queries + s.head_size, s.head_size)};
}

TensorRules Tensors(const TextSizes& s) {
  const uint64_t qkv = (s.heads + 2 * s.kv_heads) * s.head_size;
  const std::string layer = "transformer.h.{}.";
  return {
      .architecture = kName,
      .blocks = s.blocks,
      .rules =
          {
              {"transformer.word_embeddings",
               "token_embd",
               {s.vocabulary, s.hidden}},
              // One norm for attention and feed-forward, or one for each.
              TensorRule(layer + "input_layernorm", "blk.{}.attn_norm",
                         {s.hidden})
                  .WithBias(),
              TensorRule(layer + "ln_mlp", "blk.{}.attn_norm", {s.hidden})
                  .WithBias(),
              TensorRule(layer + "ln_attn", "blk.{}.attn_norm_2", {s.hidden})
                  .Optional()
                  .MaybeBias(),
              {layer + "self_attention.query_key_value",
               "blk.{}.attn_qkv",
               {qkv, s.hidden},
               QueriesKeysValues(s)},
              {layer + "self_attention.dense",
               "blk.{}.attn_output",
               {s.hidden, s.hidden}},
              {layer + "mlp.dense_h_to_4h",
               "blk.{}.ffn_up",
               {s.feed_forward, s.hidden}},
              {layer + "mlp.dense_4h_to_h",
               "blk.{}.ffn_down",
               {s.hidden, s.feed_forward}},
              TensorRule("transformer.ln_f", "output_norm", {s.hidden})
                  .WithBias(),
              TensorRule("lm_head", "output", {s.vocabulary, s.hidden})
                  .Optional(),
          },
  };
}

class Falcon final : public Architecture {
 public:
  Falcon() : Architecture(kName, kHuggingFaceNames) {}

 private:
  absl::StatusOr<Description> Describe(const Config& config) const override {
    ASSIGN_OR_RETURN(const TextSizes sizes, ReadSizes(config));
    Description model = {.tensors = Tensors(sizes),
                         .vocabulary = {.size = sizes.vocabulary}};
    KeyWriter keys(kName, model.parameters);
    keys.Uint("context_length", kContextLength);
    keys.String("tensor_data_layout", "jploski");
    keys.Uint("embedding_length", sizes.hidden);
    keys.Uint("feed_forward_length", sizes.feed_forward);
    keys.Uint("block_count", sizes.blocks);
    keys.Uint("attention.head_count", sizes.heads);
    keys.Uint("attention.head_count_kv", sizes.kv_heads);
    keys.Number("attention.layer_norm_epsilon",
                config.Number({"layer_norm_epsilon"}));
    keys.FileType();
    RETURN_IF_ERROR(keys.status());
    return model;
  }
};

}  // namespace

const Converter& FalconConverter() {
  static const Falcon* const converter = new Falcon;
  return *converter;
}

}  // namespace converters
