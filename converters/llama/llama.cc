#include "converters/llama/llama.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/converter.h"
#include "converters/llama/rope_freqs.h"
#include "converters/model_plan.h"
#include "converters/row_maps.h"
#include "converters/tensor_rules.h"
#include "converters/vocab/special_tokens.h"
#include "converters/vocab/tokenizer_class.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"

namespace converters {
namespace {

constexpr absl::string_view kName = "llama";
constexpr absl::string_view kHuggingFaceNames[] = {
    "LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM",
    "MixtralForCausalLM"};

// Far above what there is, and in the range of floats.
constexpr double kMaxTheta = 1e30;

// What a model of experts has on top.
struct Sizes : TextSizes {
  uint64_t experts = 0;  // 0 for dense models
};

absl::StatusOr<Sizes> ReadSizes(const Config& config) {
  ASSIGN_OR_RETURN(const TextSizes text, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(text));
  Sizes sizes{text};
  ASSIGN_OR_RETURN(sizes.experts, config.UintOr({"num_local_experts"}, 0));
  return sizes;
}

std::vector<TensorRule> DenseFeedForward(const Sizes& s) {
  const std::string layer = "model.layers.{}.mlp.";
  return {
      TensorRule(layer + "gate_proj", "blk.{}.ffn_gate",
                 {s.feed_forward, s.hidden})
          .MaybeBias(),
      TensorRule(layer + "up_proj", "blk.{}.ffn_up", {s.feed_forward, s.hidden})
          .MaybeBias(),
      TensorRule(layer + "down_proj", "blk.{}.ffn_down",
                 {s.hidden, s.feed_forward})
          .MaybeBias(),
  };
}

std::vector<TensorRule> ExpertFeedForward(const Sizes& s) {
  const std::string layer = "model.layers.{}.block_sparse_moe.";
  return {
      {layer + "gate", "blk.{}.ffn_gate_inp", {s.experts, s.hidden}},
      TensorRule(layer + "experts.{}.w1", "blk.{}.ffn_gate_exps",
                 {s.feed_forward, s.hidden})
          .Stacked(s.experts),
      TensorRule(layer + "experts.{}.w2", "blk.{}.ffn_down_exps",
                 {s.hidden, s.feed_forward})
          .Stacked(s.experts),
      TensorRule(layer + "experts.{}.w3", "blk.{}.ffn_up_exps",
                 {s.feed_forward, s.hidden})
          .Stacked(s.experts),
  };
}

TensorRules Tensors(const Sizes& s) {
  const uint64_t q = s.heads * s.head_size;
  const uint64_t kv = s.kv_heads * s.head_size;
  const std::string layer = "model.layers.{}.";
  std::vector<TensorRule> rules = {
      {"model.embed_tokens", "token_embd", {s.vocabulary, s.hidden}},
      {layer + "input_layernorm", "blk.{}.attn_norm", {s.hidden}},
      TensorRule(layer + "self_attn.q_proj", "blk.{}.attn_q", {q, s.hidden},
                 {RotaryRows(0, s.heads, s.head_size)})
          .MaybeBias(),
      TensorRule(layer + "self_attn.k_proj", "blk.{}.attn_k", {kv, s.hidden},
                 {RotaryRows(0, s.kv_heads, s.head_size)})
          .MaybeBias(),
      TensorRule(layer + "self_attn.v_proj", "blk.{}.attn_v", {kv, s.hidden})
          .MaybeBias(),
      TensorRule(layer + "self_attn.o_proj", "blk.{}.attn_output",
                 {s.hidden, q})
          .MaybeBias(),
      {layer + "post_attention_layernorm", "blk.{}.ffn_norm", {s.hidden}},
      {"model.norm", "output_norm", {s.hidden}},
      TensorRule("lm_head", "output", {s.vocabulary, s.hidden}).Optional(),
  };
  for (TensorRule& rule :
       s.experts > 0 ? ExpertFeedForward(s) : DenseFeedForward(s)) {
    rules.push_back(std::move(rule));
  }
  return {.architecture = kName, .blocks = s.blocks, .rules = std::move(rules)};
}

absl::StatusOr<gguf::Metadata> Parameters(const Config& config,
                                          const Sizes& sizes) {
  gguf::Metadata metadata;
  RETURN_IF_ERROR(AddTextParameters(kName, config, metadata));
  KeyWriter keys(kName, metadata);
  keys.Uint("vocab_size", sizes.vocabulary);
  keys.Uint("rope.dimension_count", sizes.head_size);
  RETURN_IF_ERROR(keys.status());
  return metadata;
}

// The factors of Llama 3's rotary scaling, if the model has it.
absl::StatusOr<std::vector<TensorPlan>> RopeFactors(const Config& config,
                                                    const Sizes& sizes) {
  const Config rope = config.Rope();
  if (absl::AsciiStrToLower(rope.Text({"rope_type"})) != "llama3") {
    return std::vector<TensorPlan>();
  }
  Llama3Rope scaling;
  ASSIGN_OR_RETURN(scaling.theta, rope.NumberOr({"rope_theta"}, scaling.theta));
  // Its logarithm is taken.
  if (!(scaling.theta >= 1 && scaling.theta <= kMaxTheta)) {
    return absl::InvalidArgumentError(
        absl::StrCat("config.json: rope_theta is ", scaling.theta,
                     ", expected a number from 1 to ", kMaxTheta));
  }
  ASSIGN_OR_RETURN(scaling.factor, rope.NumberOr({"factor"}, scaling.factor));
  ASSIGN_OR_RETURN(scaling.low_freq_factor,
                   rope.NumberOr({"low_freq_factor"}, scaling.low_freq_factor));
  ASSIGN_OR_RETURN(
      scaling.high_freq_factor,
      rope.NumberOr({"high_freq_factor"}, scaling.high_freq_factor));
  ASSIGN_OR_RETURN(scaling.original_context,
                   rope.NumberOr({"original_max_position_embeddings"},
                                 scaling.original_context));
  TensorPlan plan;
  plan.name = "rope_freqs.weight";
  plan.precision = Precision::kF32;
  plan.values = RopeFreqs(scaling, sizes.head_size);
  plan.shape = {plan.values.size()};
  return std::vector<TensorPlan>{std::move(plan)};
}

constexpr vocab::ModelTokenizerClass kTokenizerClasses[] = {
    {"mistral", vocab::kPlainTokenizerClass},
    {"mixtral", vocab::kPlainTokenizerClass},
    {"code_llama", "CodeLlamaTokenizer"},
};

// Models that are known by their number of tokens.
constexpr uint64_t kCodeLlamaVocabulary = 32016;
constexpr uint64_t kGraniteCodeVocabulary = 49152;

// CodeLlama's infill tokens stand at fixed ids. Only the end of turn has a key.
absl::Status AddCodeLlamaTokens(const vocab::TokenizerFiles& files,
                                gguf::Metadata& metadata) {
  constexpr uint32_t kEndOfTurn = 32010;
  ASSIGN_OR_RETURN(
      vocab::SpecialTokens special,
      vocab::LoadSpecialTokens(files, {"prefix", "suffix", "middle", "eot"},
                               std::nullopt));
  special.SetId("eot", kEndOfTurn);
  special.AppendTo(metadata);
  return absl::OkStatus();
}

class Llama final : public Architecture {
 public:
  Llama() : Architecture(kName, kHuggingFaceNames) {}

 private:
  absl::StatusOr<Description> Describe(const Config& config) const override {
    ASSIGN_OR_RETURN(const Sizes sizes, ReadSizes(config));
    Description model = {
        .tensors = Tensors(sizes),
        .vocabulary = {.kind = vocab::Kind::kLlama,
                       .size = sizes.vocabulary,
                       .tokenizer_classes = kTokenizerClasses}};
    if (sizes.vocabulary == kCodeLlamaVocabulary) {
      model.vocabulary.finish = AddCodeLlamaTokens;
    } else if (sizes.vocabulary == kGraniteCodeVocabulary) {
      model.vocabulary.finish = [](const vocab::TokenizerFiles&,
                                   gguf::Metadata& metadata) {
        metadata.Set("tokenizer.ggml.add_bos_token", false);
        return absl::OkStatus();
      };
    }
    ASSIGN_OR_RETURN(model.computed, RopeFactors(config, sizes));
    ASSIGN_OR_RETURN(model.parameters, Parameters(config, sizes));
    return model;
  }
};

}  // namespace

const Converter& LlamaConverter() {
  static const Llama* const converter = new Llama;
  return *converter;
}

}  // namespace converters
