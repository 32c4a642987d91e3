// GLM-4 0414, GLM-Z1, and the text part of GLM-4.1V.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
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

constexpr absl::string_view kClasses[] = {"Glm4ForCausalLM",
                                          "Glm4vForConditionalGeneration"};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "glm4",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields},
     .defaults = R"({"vocab_size": 151552, "hidden_size": 4096,
                     "intermediate_size": 13696, "num_hidden_layers": 40,
                     "num_attention_heads": 32, "num_key_value_heads": 2,
                     "head_dim": 128, "rms_norm_eps": 1.5625e-7,
                     "max_position_embeddings": 131072,
                     "tie_word_embeddings": false})",
     .rope = {.share_key = "partial_rotary_factor", .share = 0.5}},
    {.model_type = "glm4v_text",
     .fields = {kSizeFields, kFeedForwardFields, kDecoderFields},
     .defaults = R"({"vocab_size": 151552, "hidden_size": 4096,
                     "intermediate_size": 13696, "num_hidden_layers": 40,
                     "num_attention_heads": 32, "num_key_value_heads": 2,
                     "rms_norm_eps": 1e-5, "max_position_embeddings": 32768})",
     .kv_heads_as_heads = true},
    {.model_type = "glm4v",
     .rope = {.is_used = false},
     .text_model_type = "glm4v_text"},
};

// The vocabulary has the structure of Llama 3's.
constexpr vocab::PreTokenizerName kPreTokenizers[] = {{"llama-bpe", "glm4"},
                                                      {"smaug-bpe", "glm4"}};

constexpr vocab::NamedToken kTokens[] = {{"eos", "<|endoftext|>"},
                                         {"eot", "<|user|>"},
                                         {"unk", "<|endoftext|>"},
                                         {"bos", "<|endoftext|>"}};

// Of each head's first `rotated` rows, those of even number before those of odd
// number: the runtime rotates halves where a position has several parts.
TensorParts HalvesFromPairs(const TensorView& rows, uint64_t heads,
                            uint64_t rotated) {
  std::vector<TensorParts> parts;
  if (!rows.fits() || heads == 0) return rows;
  const uint64_t head = rows.shape[0] / heads;
  for (uint64_t i = 0; i < heads; ++i) {
    const uint64_t first = i * head;
    parts.push_back(rows.Slice(0, first, rotated / 2, 2));
    parts.push_back(rows.Slice(0, first + 1, rotated / 2, 2));
    if (rotated < head) {
      parts.push_back(rows.Slice(0, first + rotated, head - rotated));
    }
  }
  return Join(parts);
}

// Attention where queries and keys are put into halves, biases and all.
void AttentionInHalves(Names& n, const TextSizes& s, uint64_t rotated) {
  struct Row {
    absl::string_view target, source;
    uint64_t heads;
  };
  for (const Row& row : {Row{"attn_q", "self_attn.q_proj", s.heads},
                         Row{"attn_k", "self_attn.k_proj", s.kv_heads}}) {
    const uint64_t rows = row.heads * s.head_size;
    const std::string weight = absl::StrCat(row.source, ".weight");
    const std::string bias = absl::StrCat(row.source, ".bias");
    n.Add(
        absl::StrCat(row.target, ".weight"),
        HalvesFromPairs(n.View(weight, {rows, s.hidden}), row.heads, rotated));
    if (!n.Has(bias)) continue;
    n.Add(absl::StrCat(row.target, ".bias"),
          HalvesFromPairs(n.View(bias, {rows}), row.heads, rotated));
  }
  n.Matrix("attn_v", "self_attn.v_proj", s.kv_heads * s.head_size, s.hidden)
      .MaybeBias();
  n.Matrix("attn_output", "self_attn.o_proj", s.hidden, s.heads * s.head_size)
      .MaybeBias();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  ASSIGN_OR_RETURN(const uint64_t rotated,
                   RotatedPart(config, 0.5, s.head_size));
  const bool has_sections = config.Rope().Has({"mrope_section"});
  if (has_sections && (rotated == 0 || rotated % 2 != 0)) {
    return config.Rope().Unexpected({"partial_rotary_factor"},
                                    "one that gives pairs");
  }
  model.vocabulary = {.size = s.vocabulary,
                      .pre_tokenizers = kPreTokenizers,
                      .named_tokens = kTokens};

  Tensors& t = model.tensors;
  DropMultimodal(t);
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    if (has_sections) {
      AttentionInHalves(n, s, rotated);
    } else {
      Attention(n, s);
    }
    n.Vector("post_attention_norm", "post_self_attn_layernorm", s.hidden);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    n.Matrix("ffn_up", "mlp.gate_up_proj", 2 * s.feed_forward, s.hidden);
    n.Matrix("ffn_down", "mlp.down_proj", s.hidden, s.feed_forward);
    n.Vector("post_ffw_norm", "post_mlp_layernorm", s.hidden);
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("rope.dimension_count", rotated);
  return keys.status();
}

}  // namespace

extern const Architecture kGlm4 = {"glm4", kClasses, kConfigs, Describe};

}  // namespace converters
