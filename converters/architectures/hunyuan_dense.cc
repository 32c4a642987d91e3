// Tencent's Hunyuan, dense.

#include <cmath>
#include <cstdint>
#include <optional>
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
#include "converters/vocab/pre_tokenizer.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"HunYuanDenseV1ForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"head_dim", kInt | kNull},
    {"rms_norm_eps", kFloat},
    {"eod_token_id", kInt | kNull},
    {"pretraining_tp", kInt},
    {"attention_bias", kBool},
    {"attention_dropout", kNumber},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "hunyuan_v1_dense",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 290943, "hidden_size": 4096,
                     "intermediate_size": 11008, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "rms_norm_eps": 1e-5,
                     "max_position_embeddings": 2048, "eod_token_id": 3,
                     "tie_word_embeddings": false})",
     .kv_heads_as_heads = true},
};

constexpr vocab::PreTokenizerName kPreTokenizers[] = {
    {"deepseek-v3", "hunyuan-dense"}};

// config.json's eos_token_id is not what ends a turn.
absl::Status AddEndTokens(std::optional<uint32_t> eod,
                          const vocab::TokenizerFiles& files,
                          gguf::Metadata& metadata) {
  if (eod) metadata.Set("tokenizer.ggml.eos_token_id", *eod);
  const nlohmann::json& pad = base::Member(*files.config, "pad_token_id");
  if (pad.is_number_integer() && pad < 0) {
    metadata.Erase("tokenizer.ggml.padding_token_id");
  }
  ASSIGN_OR_RETURN(
      const nlohmann::json generation,
      vocab::ReadJsonObject(files.directory, "generation_config.json"));
  const nlohmann::json& ends = base::Member(generation, "eos_token_id");
  if (!ends.is_array() || ends.size() < 2) return absl::OkStatus();
  const std::optional<uint64_t> turn = base::UintOf(ends[0]);
  if (!turn || *turn > UINT32_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("generation_config.json: eos_token_id begins with ",
                     base::ShowJson(ends[0]), ", expected a token's id"));
  }
  metadata.Set("tokenizer.ggml.eot_token_id", static_cast<uint32_t>(*turn));
  return absl::OkStatus();
}

// The context is stretched by a larger base alone, which config.json gives as
// a factor alpha: "dynamic" ones up to 256k, whatever else it says.
absl::Status AddStretchedRope(const Config& config, const TextSizes& s,
                              KeyWriter& keys) {
  constexpr uint32_t kContext = 256 << 10;
  constexpr uint32_t kWritten = 32 << 10;  // what config.json says instead
  constexpr double kBase = 10000.0;
  const Config rope = config.Rope();
  const std::string type = rope.Text({"rope_type"});
  if (type != "dynamic" && type != "xdrope") return absl::OkStatus();
  ASSIGN_OR_RETURN(const double alpha, rope.NumberOr({"alpha"}, 50));
  ASSIGN_OR_RETURN(const double base, rope.NumberOr({"rope_theta"}, kBase));
  const double size = static_cast<double>(s.head_size);
  keys.Number("rope.freq_base", base * std::pow(alpha, size / (size - 2)));
  keys.String("rope.scaling.type", "none");
  keys.Number("rope.scaling.factor", 1);
  if (type != "dynamic") return keys.status();
  keys.Uint("rope.scaling.original_context_length", kContext);
  keys.Uint("context_length", kContext);
  ASSIGN_OR_RETURN(const uint32_t context,
                   config.Uint({"max_position_embeddings"}));
  if (base != kBase) return rope.Unexpected({"rope_theta"}, "10000");
  if (context != kContext && context != kWritten) {
    return config.Unexpected({"max_position_embeddings"}, "32768 or 262144");
  }
  return keys.status();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  ASSIGN_OR_RETURN(const std::optional<uint32_t> eod,
                   config.OptionalUint({"eod_token_id"}));
  ASSIGN_OR_RETURN(const bool tied,
                   config.BoolOr({"tie_word_embeddings"}, false));
  model.vocabulary = {.size = s.vocabulary,
                      .pre_tokenizers = kPreTokenizers,
                      .finish = [eod](const vocab::TokenizerFiles& files,
                                      gguf::Metadata& metadata) {
                        return AddEndTokens(eod, files, metadata);
                      }};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden);
  if (tied) {
    t.Drop("lm_head.weight", "a copy of the embedding");
  } else {
    t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  }
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    Attention(n, s);
    n.Vector("attn_q_norm", "self_attn.query_layernorm", s.head_size)
        .Optional();
    n.Vector("attn_k_norm", "self_attn.key_layernorm", s.head_size).Optional();
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  keys.Remove("expert_count");  // 1, which is none
  RETURN_IF_ERROR(AddStretchedRope(config, s, keys));
  return keys.status();
}

}  // namespace

extern const Architecture kHunyuanDense = {"hunyuan-dense", kClasses, kConfigs,
                                           Describe};

}  // namespace converters
