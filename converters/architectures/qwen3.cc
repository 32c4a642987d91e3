// Qwen 3, its embedding models and its rerankers.

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/pooling.h"
#include "converters/tensors.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"Qwen3ForCausalLM", "Qwen3Model"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"head_dim", kInt},
    {"rms_norm_eps", kFloat},
    {"attention_bias", kBool},
    {"sliding_window", kInt | kNull},
    {"use_sliding_window", kBool},
    {"max_window_layers", kInt},
    {"attention_dropout", kNumber},
};
constexpr ConfigClass kConfigs[] = {
    {.model_type = "qwen3",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 151936, "hidden_size": 4096,
                     "intermediate_size": 22016, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "num_key_value_heads": 32,
                     "head_dim": 128, "max_position_embeddings": 32768,
                     "rms_norm_eps": 1e-6})",
     .kv_heads_as_heads = true}};

// What a reranker is asked, as its authors ask it.
constexpr char kQuestion[] =
    "<|im_start|>system\nJudge whether the Document meets the requirements "
    "based on the Query and the Instruct provided. Note that the answer can "
    "only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n<Instruct>: Given "
    "a web search query, retrieve relevant passages that answer the query\n"
    "<Query>: {query}\n<Document>: {document}<|im_end|>\n"
    "<|im_start|>assistant\n<think>\n\n</think>\n\n";

// It is only known by its card's title and by its names.
bool IsReranker(const Config& config, const Model& model) {
  std::ifstream file(model.input.directory + "/README.md");
  const std::string card = absl::AsciiStrToLower(
      std::string(std::istreambuf_iterator<char>(file), {}));
  const std::string names = absl::AsciiStrToLower(
      absl::StrCat(model.name, " ", config.Text({"_name_or_path"})));
  for (absl::string_view name : {"qwen3-reranker", "qwen3-vl-reranker"}) {
    if (absl::StrContains(names, name) ||
        absl::StrContains(card, absl::StrCat("# ", name))) {
      return true;
    }
  }
  return false;
}

absl::StatusOr<uint64_t> TokenId(const nlohmann::json& tokenizer,
                                 const char* token) {
  const nlohmann::json::json_pointer vocabulary("/model/vocab");
  if (tokenizer.contains(vocabulary) && tokenizer[vocabulary].is_object()) {
    const auto id = tokenizer[vocabulary].find(token);
    if (id != tokenizer[vocabulary].end() && id->is_number_unsigned()) {
      return id->get<uint64_t>();
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "tokenizer.json: no token \"", token, "\", which a reranker answers"));
}

// Its head is made of two rows of the language model's: those for the answers
// "yes" and "no".
absl::Status AddRanking(const Config& config, const TextSizes& s,
                        Model& model) {
  ASSIGN_OR_RETURN(
      const vocab::TokenizerFiles files,
      vocab::ReadTokenizerFiles(model.input.directory, *model.input.config));
  ASSIGN_OR_RETURN(const uint64_t yes, TokenId(files.tokenizer, "yes"));
  ASSIGN_OR_RETURN(const uint64_t no, TokenId(files.tokenizer, "no"));
  ASSIGN_OR_RETURN(const bool is_tied,
                   config.BoolOr({"tie_word_embeddings"}, false));
  const TensorView head = model.tensors.View(
      is_tied ? "model.embed_tokens.weight" : "lm_head.weight",
      {s.vocabulary, s.hidden});
  model.tensors.Add("cls.output.weight",
                    Join({head.Slice(0, yes, 1), head.Slice(0, no, 1)}));
  KeyWriter keys(model.architecture, model.keys);
  keys.Uint("pooling_type", static_cast<uint64_t>(Pooling::kRank));
  model.keys.SetArray("qwen3.classifier.output_labels",
                      std::vector<std::string>{"yes", "no"});
  model.keys.Set("tokenizer.chat_template.rerank", std::string(kQuestion));
  model.keys.SetArray("tokenizer.chat_templates",
                      std::vector<std::string>{"rerank"});
  return keys.status();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  model.vocabulary = {.kind = vocab::Kind::kSentencePieceOrByteLevel,
                      .size = s.vocabulary};
  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  const bool is_reranker = IsReranker(config, model);
  RETURN_IF_ERROR(is_reranker ? AddRanking(config, s, model)
                              : AddPooling(model.input.directory,
                                           model.architecture, model.keys));

  Tensors& t = model.tensors;
  t.MayLack("model.");
  t.Matrix("token_embd", "model.embed_tokens", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden);
  if (!is_reranker) {
    t.Matrix("output", "lm_head", s.vocabulary, s.hidden).Optional();
  }
  const uint64_t q = s.heads * s.head_size, kv = s.kv_heads * s.head_size;
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "input_layernorm", s.hidden);
    n.Matrix("attn_q", "self_attn.q_proj", q, s.hidden).MaybeBias();
    n.Matrix("attn_k", "self_attn.k_proj", kv, s.hidden).MaybeBias();
    n.Matrix("attn_v", "self_attn.v_proj", kv, s.hidden).MaybeBias();
    n.Matrix("attn_output", "self_attn.o_proj", s.hidden, q).MaybeBias();
    n.Vector("attn_q_norm", "self_attn.q_norm", s.head_size);
    n.Vector("attn_k_norm", "self_attn.k_norm", s.head_size);
    n.Vector("ffn_norm", "post_attention_layernorm", s.hidden);
    GatedFeedForward(n, "mlp.", s.feed_forward, s.hidden);
  }
  return absl::OkStatus();
}

}  // namespace

extern const Architecture kQwen3 = {"qwen3", kClasses, kConfigs, Describe};

}  // namespace converters
