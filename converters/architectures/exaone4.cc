// EXAONE 4.0, and the text model of EXAONE 4.5 with its layers for multi-token
// prediction, which stand behind the others as blocks of their own.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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
#include "converters/rope_factors.h"
#include "converters/tensors.h"
#include "converters/vocab/pre_tokenizer.h"
#include "converters/vocab/vocab.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"Exaone4ForCausalLM",
                                          "Exaone4_5_ForConditionalGeneration"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt},
    {"rms_norm_eps", kFloat},
    {"attention_dropout", kNumber},
    {"sliding_window", kInt | kNull},
    {"sliding_window_pattern", kString | kInt | kNull},
    {"layer_types", kStrings | kNull},
};
constexpr Field kMultimodalFields[] = {
    {"image_token_id", kInt},
    {"video_token_id", kInt},
};

// Without layer_types the class counts by sliding_window_pattern, and refuses
// one that can't be counted by.
bool HasLayerTypes(nlohmann::json& config) {
  if (!base::Member(config, "layer_types").is_null()) return true;
  const auto period =
      base::UintOf(base::Member(config, "sliding_window_pattern"));
  return !base::Member(config, "sliding_window").is_null() &&
         period.value_or(0) > 0;
}

constexpr ConfigClass TextClass(absl::string_view model_type) {
  return {.model_type = model_type,
          .fields = {kSizeFields, kFeedForwardFields, kFields},
          .defaults = R"({"vocab_size": 102400, "hidden_size": 4096,
                          "intermediate_size": 16384, "num_hidden_layers": 32,
                          "num_attention_heads": 32, "num_key_value_heads": 32,
                          "rms_norm_eps": 1e-5, "max_position_embeddings": 2048,
                          "sliding_window": 4096, "sliding_window_pattern": 4,
                          "tie_word_embeddings": false})",
          .complete = HasLayerTypes};
}

constexpr ConfigClass kConfigs[] = {
    TextClass("exaone4"),
    TextClass("exaone4_5_text"),
    {.model_type = "exaone4_5",
     .fields = {kMultimodalFields},
     .rope = {.is_used = false},
     .text_model_type = "exaone4"},
};

constexpr double kRopeFactor = 16.0;

constexpr vocab::PreTokenizerName kPreTokenizers[] = {
    {"exaone-moe", "exaone4"}, {"gpt-2", "exaone4"}, {"olmo", "exaone4"}};

// By layer_types, or by a pattern that repeats: "LLLG", or 4 for every fourth.
absl::StatusOr<std::vector<bool>> Sliding(const Config& config,
                                          uint64_t blocks) {
  constexpr absl::string_view kKey = "sliding_window_pattern";
  ASSIGN_OR_RETURN(std::vector<bool> sliding, SlidingBlocks(config, blocks));
  if (!sliding.empty() || !config.Has({kKey})) return sliding;
  const std::string pattern = config.Text({kKey});
  if (pattern.empty()) {
    ASSIGN_OR_RETURN(const uint32_t period, config.PositiveUint({kKey}));
    return AllButEvery(period, blocks);
  }
  for (uint64_t i = 0; i < blocks; ++i) {
    sliding.push_back(pattern[i % pattern.size()] == 'L');
  }
  return sliding;
}

void Block(Names n, const TextSizes& s) {
  Attention(n, s);
  n.Vector("attn_q_norm", "self_attn.q_norm", s.head_size);
  n.Vector("attn_k_norm", "self_attn.k_norm", s.head_size);
  n.Vector("post_attention_norm", "post_attention_layernorm", s.hidden);
  GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  n.Vector("post_ffw_norm", "post_feedforward_layernorm", s.hidden);
}

// The layers from block s.blocks on; what isn't numbered is in each of them.
absl::Status Predictors(const Config& config, const TextSizes& s,
                        uint64_t predictors, Tensors& t) {
  ASSIGN_OR_RETURN(const bool shared,
                   config.BoolOr({"mtp_share_layers"}, false));
  if (predictors > kMaxBlocks) {
    return config.Unexpected({"num_nextn_predict_layers"},
                             absl::StrCat("at most ", kMaxBlocks));
  }
  for (uint64_t i = 0; i < predictors; ++i) {
    const uint64_t block = s.blocks + i;
    Block(t.Block(block, absl::StrCat("mtp.layers.", shared ? 0 : i, ".")), s);
    Names n = t.Block(block, "mtp.");
    n.Matrix("nextn.eh_proj", "fc", s.hidden, 2 * s.hidden);
    n.Vector("nextn.enorm", "pre_fc_norm_embedding", s.hidden);
    n.Vector("nextn.hnorm", "pre_fc_norm_hidden", s.hidden);
    n.Vector("nextn.shared_head_norm", "norm", s.hidden);
  }
  t.Drop("mtp.*", "layers for multi-token prediction");
  return absl::OkStatus();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  ASSIGN_OR_RETURN(const uint64_t predictors,
                   config.UintOr({"num_nextn_predict_layers"}, 0));
  model.vocabulary = {.size = s.vocabulary, .pre_tokenizers = kPreTokenizers};

  Tensors& t = model.tensors;
  DropMultimodal(t);
  RETURN_IF_ERROR(AddLlama3Factors(config, s.head_size, t, kRopeFactor));
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) Block(n, s);
  RETURN_IF_ERROR(Predictors(config, s, predictors, t));

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  if (predictors > 0) keys.Uint("block_count", s.blocks + predictors);
  keys.Uint("vocab_size", s.vocabulary);
  if (config.Has({"sliding_window"})) {
    keys.Uint("attention.sliding_window", config.Uint({"sliding_window"}));
    ASSIGN_OR_RETURN(std::vector<bool> sliding, Sliding(config, s.blocks));
    keys.Bools("attention.sliding_window_pattern", std::move(sliding));
  }
  if (predictors > 0) keys.Uint("nextn_predict_layers", predictors);
  return keys.status();
}

}  // namespace

extern const Architecture kExaone4 = {"exaone4", kClasses, kConfigs, Describe};

}  // namespace converters
