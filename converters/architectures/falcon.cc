// Falcon: the 7B layout, with one key-value head or one for each query, and the
// 40B layout with some.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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

constexpr absl::string_view kClasses[] = {"FalconForCausalLM", "RWForCausalLM"};

constexpr Field kFields[] = {
    {"num_ln_in_parallel_attn", kInt | kNull},
    {"layer_norm_epsilon", kFloat | kNull},
    {"hidden_dropout", kNumber | kNull},
    {"attention_dropout", kNumber | kNull},
    {"num_kv_heads", kInt | kNull},
    {"alibi", kBool | kNull},
    {"new_decoder_architecture", kBool | kNull},
    {"multi_query", kBool | kNull},
    {"parallel_attn", kBool | kNull},
    {"bias", kBool | kNull},
    {"ffn_hidden_size", kInt | kNull},
    {"activation", kString | kNull},
};
// No default for num_kv_heads: transformers gives the number of heads, which
// holds for neither of the layouts that have fewer.
constexpr ConfigClass kConfigs[] = {
    {.model_type = "falcon",
     .fields = {kSizeFields, kFields},
     .defaults = R"({"vocab_size": 65024, "hidden_size": 4544,
                     "num_hidden_layers": 32, "num_attention_heads": 71,
                     "layer_norm_epsilon": 1e-5, "multi_query": true,
                     "max_position_embeddings": 2048,
                     "tie_word_embeddings": true})"},
};

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
TensorParts QueriesKeysValues(const TensorView& fused, const TextSizes& s) {
  const uint64_t queries = s.heads / s.kv_heads * s.head_size;
  return Join({fused.Grouped(s.kv_heads, 0, queries),
               fused.Grouped(s.kv_heads, queries, s.head_size),
               fused.Grouped(s.kv_heads, queries + s.head_size, s.head_size)});
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadSizes(config));
  model.vocabulary = {.size = s.vocabulary};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "transformer.word_embeddings", s.vocabulary, s.hidden);
  t.Vector("output_norm", "transformer.ln_f", s.hidden).WithBias();
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "transformer.h.")) {
    // One norm for attention and feed-forward, or one for each.
    const bool two_norms = n.Has("ln_mlp.weight");
    n.Vector("attn_norm", two_norms ? "ln_mlp" : "input_layernorm", s.hidden)
        .WithBias();
    n.Vector("attn_norm_2", "ln_attn", s.hidden).Optional().MaybeBias();
    n.Matrix("attn_qkv", "self_attention.query_key_value",
             (s.heads + 2 * s.kv_heads) * s.head_size, s.hidden)
        .Rows([&s](const TensorView& v) { return QueriesKeysValues(v, s); });
    n.Matrix("attn_output", "self_attention.dense", s.hidden, s.hidden);
    n.Matrix("ffn_up", "mlp.dense_h_to_4h", s.feed_forward, s.hidden);
    n.Matrix("ffn_down", "mlp.dense_4h_to_h", s.hidden, s.feed_forward);
  }

  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", kContextLength);
  keys.String("tensor_data_layout", "jploski");
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("feed_forward_length", s.feed_forward);
  keys.Uint("block_count", s.blocks);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", s.kv_heads);
  keys.Number("attention.layer_norm_epsilon",
              config.Number({"layer_norm_epsilon"}));
  keys.FileType();
  return keys.status();
}

}  // namespace

extern const Architecture kFalcon = {"falcon", kClasses, kConfigs, Describe};

}  // namespace converters
