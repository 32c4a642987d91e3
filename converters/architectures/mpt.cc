// MPT, and SEA-LION.

#include <cstdint>
#include <string>

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
#include "converters/vocab/pre_tokenizer.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

// The second is transformers' own.
constexpr absl::string_view kClasses[] = {"MPTForCausalLM", "MptForCausalLM"};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "mpt",
     .defaults = R"({"vocab_size": 50368, "d_model": 2048, "n_heads": 16,
                     "n_layers": 24, "max_seq_len": 2048,
                     "expansion_ratio": 4, "tie_word_embeddings": true,
                     "attn_config": {"clip_qkv": null, "alibi": true,
                                     "alibi_bias_max": 8}})",
     .rope = {.is_used = false}},
};

constexpr vocab::PreTokenizerName kPreTokenizers[] = {{"olmo", "mpt"},
                                                      {"gpt-2", "mpt"}};

// What the model's code has; config.json doesn't say it.
constexpr double kEpsilon = 1e-5;
// Far more than there is.
constexpr uint64_t kMaxExpansion = 64;

// SEA-LION's tokenizer, a SentencePiece one, has its special tokens at fixed
// ids, whatever config.json says of them.
absl::Status AddSeaLionTokens(const vocab::TokenizerFiles&,
                              gguf::Metadata& metadata) {
  const auto* model = metadata.FindAs<std::string>("tokenizer.ggml.model");
  if (model == nullptr || *model != "llama") return absl::OkStatus();
  metadata.Set("tokenizer.ggml.add_bos_token", false);
  metadata.Set("tokenizer.ggml.padding_token_id", uint32_t{3});
  metadata.Set("tokenizer.ggml.eos_token_id", uint32_t{1});
  metadata.Set("tokenizer.ggml.unknown_token_id", uint32_t{0});
  return absl::OkStatus();
}

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"mpt", "GPTNeoXTokenizer"}};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(TextSizes s, ReadTextSizes(config));
  const nlohmann::json* settings = config.Find({"attn_config"});
  ASSIGN_OR_RETURN(
      const Config attention,
      Config::Make(settings == nullptr ? nlohmann::json::object() : *settings,
                   {}));
  ASSIGN_OR_RETURN(s.kv_heads, attention.UintOr({"kv_n_heads"}, s.heads));
  ASSIGN_OR_RETURN(const uint64_t expansion,
                   config.UintOr({"expansion_ratio"}, 4));
  if (expansion > kMaxExpansion) {
    return config.Unexpected({"expansion_ratio"},
                             absl::StrCat("at most ", kMaxExpansion));
  }
  ASSIGN_OR_RETURN(const uint32_t positions, config.Uint({"max_seq_len"}));
  ASSIGN_OR_RETURN(const bool alibi, attention.BoolOr({"alibi"}, true));
  ASSIGN_OR_RETURN(const double alibi_max,
                   attention.NumberOr({"alibi_bias_max"}, 8));
  model.vocabulary = {.kind = vocab::Kind::kByteLevelOrSentencePiece,
                      .size = s.vocabulary,
                      .pre_tokenizers = kPreTokenizers,
                      .tokenizer_classes = kTokenizerClasses,
                      .finish = AddSeaLionTokens};

  Tensors& t = model.tensors;
  const uint64_t kv = s.kv_heads * s.head_size;
  const uint64_t feed_forward = expansion * s.hidden;
  t.Matrix("token_embd", "transformer.wte", s.vocabulary, s.hidden);
  t.Matrix("position_embd", "transformer.wpe", positions, s.hidden).Optional();
  t.Vector("output_norm", "transformer.norm_f", s.hidden).MaybeBias();
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "transformer.blocks.")) {
    n.Vector("attn_norm", "norm_1", s.hidden).MaybeBias();
    n.Matrix("attn_qkv", "attn.Wqkv", s.hidden + 2 * kv, s.hidden).MaybeBias();
    n.Vector("attn_q_norm", "attn.q_ln", s.hidden).Optional().MaybeBias();
    n.Vector("attn_k_norm", "attn.k_ln", kv).Optional().MaybeBias();
    n.Matrix("attn_output", "attn.out_proj", s.hidden, s.hidden).MaybeBias();
    n.Vector("ffn_norm", "norm_2", s.hidden).MaybeBias();
    n.Matrix("ffn_up", "ffn.up_proj", feed_forward, s.hidden).MaybeBias();
    // Of models that AWQ has prepared.
    n.Add("ffn.act.scales", n.View("ffn.act.scales", {feed_forward}))
        .Optional();
    n.Matrix("ffn_down", "ffn.down_proj", s.hidden, feed_forward).MaybeBias();
  }

  // general.file_type is not among them.
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", positions);
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("block_count", s.blocks);
  keys.Uint("feed_forward_length", 4 * s.hidden);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", attention.OptionalUint({"kv_n_heads"}));
  keys.Number("attention.layer_norm_epsilon", kEpsilon);
  keys.Number("attention.clamp_kqv", attention.OptionalNumber({"clip_qkv"}));
  keys.Number("attention.max_alibi_bias", alibi ? alibi_max : 0);
  return keys.status();
}

}  // namespace

extern const Architecture kMpt = {"mpt", kClasses, kConfigs, Describe};

}  // namespace converters
