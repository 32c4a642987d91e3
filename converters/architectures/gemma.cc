// Gemma 1, CodeGemma.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_names.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/tensors.h"
#include "converters/value_map.h"
#include "converters/vocab/special_tokens.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"GemmaForCausalLM"};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "gemma",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields},
     .defaults = R"({"vocab_size": 256000, "hidden_size": 3072,
                     "intermediate_size": 24576, "num_hidden_layers": 28,
                     "num_attention_heads": 16, "num_key_value_heads": 16,
                     "head_dim": 256, "rms_norm_eps": 1e-6,
                     "max_position_embeddings": 8192,
                     "tie_word_embeddings": true})"},
};

// The end of a turn stands at a fixed id, whatever the vocabulary has there.
absl::Status FinishVocabulary(const vocab::TokenizerFiles& files,
                              gguf::Metadata& metadata) {
  constexpr uint32_t kEndOfTurn = 107;
  ASSIGN_OR_RETURN(vocab::SpecialTokens special,
                   vocab::LoadSpecialTokens(files, {"eot"}, std::nullopt));
  special.SetId("eot", kEndOfTurn);
  special.AppendTo(metadata);
  metadata.Set("tokenizer.ggml.add_space_prefix", false);
  return absl::OkStatus();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.kind = vocab::Kind::kSentencePiece,
                      .size = s.vocabulary,
                      .finish = FinishVocabulary};

  // Norms are stored around 0. The head is the embedding, even if it is stored
  // once more.
  Tensors& t = model.tensors;
  const ValueMap one = ValueMap::AddOne();
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden).Map(one);
  t.Drop("lm_head.weight", "");
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden).Map(one);
    Attention(n, s);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden).Map(one);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }

  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", config.Uint({"max_position_embeddings"}));
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("block_count", s.blocks);
  keys.Uint("feed_forward_length", s.feed_forward);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", s.kv_heads);
  keys.Number("attention.layer_norm_rms_epsilon",
              config.Number(key::kRmsEpsilon));
  keys.Uint("attention.key_length", s.head_size);
  keys.Uint("attention.value_length", s.head_size);
  keys.FileType();
  return keys.status();
}

}  // namespace

extern const Architecture kGemma = {"gemma", kClasses, kConfigs, Describe};

}  // namespace converters
