// GLM-4-9B-Chat and GLM-Edge in the form that transformers has them.

#include <cstdint>

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
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"GlmForCausalLM"};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "glm",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields},
     .defaults = R"({"vocab_size": 151552, "hidden_size": 4096,
                     "intermediate_size": 13696, "num_hidden_layers": 40,
                     "num_attention_heads": 32, "num_key_value_heads": 2,
                     "head_dim": 128, "rms_norm_eps": 1.5625e-7,
                     "max_position_embeddings": 131072,
                     "tie_word_embeddings": false})",
     .rope = {.share_key = "partial_rotary_factor", .share = 0.5}},
};

// The vocabulary has the structure of Llama 3's.
constexpr vocab::PreTokenizerName kPreTokenizers[] = {
    {"llama-bpe", "chatglm-bpe"}, {"smaug-bpe", "chatglm-bpe"}};

constexpr vocab::NamedToken kTokens[] = {
    {"eos", "<|endoftext|>"}, {"eot", "<|user|>"}, {"unk", "<|endoftext|>"}};

// The reference knows the names of ChatGLM's own code alone. What it takes
// instead where they are missing is wrong for these models (the context, the
// epsilon, the base of rotation), but it is what published files have.
absl::Status AddKeys(const Config& config, const TextSizes& s, Model& model) {
  ASSIGN_OR_RETURN(const uint64_t head,
                   config.UintOr({"attention_dim"}, s.hidden / s.heads));
  ASSIGN_OR_RETURN(const uint64_t rotated, RotatedPart(config, 0.5, head));
  ASSIGN_OR_RETURN(const double rope_ratio, config.NumberOr({"rope_ratio"}, 1));
  ASSIGN_OR_RETURN(const uint64_t context,
                   config.UintOr({"seq_length"}, s.hidden));
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("context_length", context);
  keys.Uint("embedding_length", s.hidden);
  keys.Uint("feed_forward_length", s.feed_forward);
  keys.Uint("block_count", s.blocks);
  keys.Uint("attention.head_count", s.heads);
  keys.Uint("attention.head_count_kv", s.kv_heads);
  keys.Number("attention.layer_norm_rms_epsilon",
              config.NumberOr({"layernorm_epsilon"}, 1e-5));
  keys.FileType();
  keys.Uint("rope.dimension_count", rotated);
  // Its place only: the tokenizer has the last word.
  model.keys.Set("tokenizer.ggml.add_bos_token", false);
  keys.Number("rope.freq_base", 10000 * rope_ratio);
  return keys.status();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.size = s.vocabulary,
                      .pre_tokenizers = kPreTokenizers,
                      .named_tokens = kTokens};

  Tensors& t = model.tensors;
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    Attention(n, s);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    n.Matrix("ffn_up", "mlp.gate_up_proj", 2 * s.feed_forward, s.hidden);
    n.Matrix("ffn_down", "mlp.down_proj", s.hidden, s.feed_forward);
  }
  return AddKeys(config, s, model);
}

}  // namespace

extern const Architecture kChatglm = {"chatglm", kClasses, kConfigs, Describe};

}  // namespace converters
