// Gemma 3: the small text models, and the text part of those that see.

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
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
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

constexpr absl::string_view kClasses[] = {"Gemma3ForCausalLM",
                                          "Gemma3ForConditionalGeneration"};

constexpr Field kFields[] = {
    {"intermediate_size", kInt},
    {"hidden_activation", kString},
    {"query_pre_attn_scalar", kInt},
    {"final_logit_softcapping", kFloat | kNull},
    {"attn_logit_softcapping", kFloat | kNull},
};

// A window to both sides is given as half of it.
bool CompleteConfig(json& config) {
  json& window = config["sliding_window"];
  if (base::IsTruthy(base::Member(config, "use_bidirectional_attention")) &&
      window.is_number_unsigned()) {
    window = window.get<uint64_t>() / 2 + 1;
  }
  return true;
}

constexpr ConfigClass kConfigs[] = {
    {.model_type = "gemma3_text",
     .fields = {kSizeFields, kDecoderFields, kFields},
     .defaults = R"({"vocab_size": 262208, "hidden_size": 2304,
                     "intermediate_size": 9216, "num_hidden_layers": 26,
                     "num_attention_heads": 8, "num_key_value_heads": 4,
                     "head_dim": 256, "rms_norm_eps": 1e-6,
                     "max_position_embeddings": 131072, "sliding_window": 4096,
                     "tie_word_embeddings": true})",
     .rope = {.theta = 1e6, .local_theta_key = "rope_local_base_freq"},
     .heads_divide_hidden = true,
     .complete = CompleteConfig},
    {.model_type = "gemma3",
     .rope = {.is_used = false},
     .text_model_type = "gemma3_text"},
};

// Only of Gemma's own kind; relatives of it have byte-level BPE.
absl::Status FinishVocabulary(const vocab::TokenizerFiles&,
                              gguf::Metadata& metadata) {
  const auto* kind = metadata.FindAs<std::string>("tokenizer.ggml.model");
  if (kind != nullptr && *kind == "llama") {
    metadata.Set("tokenizer.ggml.add_space_prefix", false);
  }
  return absl::OkStatus();
}

// The embedding of the vocabulary's tokens. Some checkpoints have rows beyond
// these, for tokens of pictures.
void AddEmbedding(const TextSizes& s, Model& model) {
  constexpr absl::string_view kName = "model.embed_tokens.weight";
  const SourceTensor* tensor = model.tensors.Find(kName);
  uint64_t rows = s.vocabulary;
  if (tensor != nullptr && !tensor->shape.empty() && tensor->shape[0] > rows) {
    rows = tensor->shape[0];
    model.warnings.push_back(
        {"rows-left-out",
         absl::StrCat(rows - s.vocabulary, " of ", rows, " rows of ", kName,
                      " are beyond vocab_size, and left out")});
  }
  model.tensors.Add(
      "token_embd.weight",
      model.tensors.View(kName, {rows, s.hidden}).Slice(0, 0, s.vocabulary));
}

absl::Status AddKeys(const Config& config, Model& model) {
  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  if (config.Has({"attn_logit_softcapping"})) {
    return config.Unexpected({"attn_logit_softcapping"},
                             "null, since the runtime's Gemma 3 has none");
  }
  ASSIGN_OR_RETURN(const double cap,
                   config.NumberOr({"final_logit_softcapping"}, 0));
  if (cap != 0) keys.Number("final_logit_softcapping", cap);
  // Where all layers are alike, none has a window.
  ASSIGN_OR_RETURN(const uint64_t pattern,
                   config.UintOr({"sliding_window_pattern"}, 0));
  if (pattern != 1) {
    keys.Uint("attention.sliding_window", config.Uint({"sliding_window"}));
  }
  return keys.status();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.kind = vocab::Kind::kSentencePieceOrByteLevel,
                      .size = s.vocabulary,
                      .finish = FinishVocabulary};

  // Norms are stored around 0.
  Tensors& t = model.tensors;
  const ValueMap one = ValueMap::AddOne();
  DropMultimodal(t);
  AddEmbedding(s, model);
  t.Vector("output_norm", "model.norm", s.hidden).Map(one);
  t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden).Map(one);
    Attention(n, s);
    n.Vector("attn_q_norm", "self_attn.q_norm", s.head_size).Map(one);
    n.Vector("attn_k_norm", "self_attn.k_norm", s.head_size).Map(one);
    n.Vector("post_attention_norm", "post_attention_layernorm", s.hidden)
        .Map(one);
    n.Vector("ffn_norm", "pre_feedforward_layernorm", s.hidden).Map(one);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
    n.Vector("post_ffw_norm", "post_feedforward_layernorm", s.hidden).Map(one);
  }
  return AddKeys(config, model);
}

}  // namespace

extern const Architecture kGemma3 = {"gemma3", kClasses, kConfigs, Describe};

}  // namespace converters
