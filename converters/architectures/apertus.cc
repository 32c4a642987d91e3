// Apertus: Llama with norms of queries and keys, and with an activation whose
// parameters were trained.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/config_class.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/rope_factors.h"
#include "converters/tensor_source.h"
#include "converters/tensor_view.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"ApertusForCausalLM"};

constexpr Field kFields[] = {
    {"num_key_value_heads", kInt | kNull},
    {"rms_norm_eps", kFloat},
    {"attention_bias", kBool},
    {"attention_dropout", kNumber},
};

constexpr ConfigClass kConfigs[] = {
    {.model_type = "apertus",
     .fields = {kSizeFields, kFeedForwardFields, kFields},
     .defaults = R"({"vocab_size": 131072, "hidden_size": 4096,
                     "intermediate_size": 14336, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "rms_norm_eps": 1e-5,
                     "max_position_embeddings": 65536,
                     "tie_word_embeddings": false, "rope_parameters": {
                       "rope_type": "llama3", "rope_theta": 12e6,
                       "factor": 8.0, "low_freq_factor": 1.0,
                       "high_freq_factor": 4.0,
                       "original_max_position_embeddings": 8192}})",
     .rope = {.theta = 12e6},
     .kv_heads_as_heads = true},
};

// The four parameters of xIELU, which each block has as tensors of one value:
// lists in the metadata, in the order in which the checkpoint completes them.
absl::Status AddActivation(const TextSizes& s, Model& model) {
  struct List {
    const SourceTensor* last;  // of its tensors, in the checkpoint's order
    std::string key;
    std::vector<float> values;
  };
  std::vector<List> lists;
  for (const char* name : {"alpha_n", "alpha_p", "beta", "eps"}) {
    List list = {nullptr, absl::StrCat("xielu.", name), {}};
    for (Names n : model.tensors.Each(s.blocks, "model.layers.")) {
      const std::string source = absl::StrCat("mlp.act_fn.", name);
      const SourceTensor* tensor = n.Find(source);
      // Of no dimension or one.
      const TensorView::Shape shape = tensor != nullptr && tensor->shape.empty()
                                          ? TensorView::Shape{}
                                          : TensorView::Shape{1};
      ASSIGN_OR_RETURN(
          const std::vector<float> value,
          model.tensors.Values(
              absl::StrCat("model.layers.", n.block(), ".", source), shape));
      list.values.push_back(value[0]);
      list.last = std::max(list.last, tensor);
    }
    lists.push_back(std::move(list));
  }
  absl::c_sort(lists,
               [](const List& a, const List& b) { return a.last < b.last; });
  for (List& list : lists) {
    model.first_keys.SetArray(list.key, std::move(list.values));
  }
  model.tensors.Drop("model.layers.*.mlp.act_fn.*", "");
  return absl::OkStatus();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  model.vocabulary = LlamaVocabulary(s.vocabulary);

  Tensors& t = model.tensors;
  RETURN_IF_ERROR(AddLlama3Factors(config, s.head_size, t));
  EmbeddingAndHead(t, s);
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "attention_layernorm", s.hidden);
    Attention(n, s);
    n.Vector("attn_q_norm", "self_attn.q_norm", s.head_size);
    n.Vector("attn_k_norm", "self_attn.k_norm", s.head_size);
    n.Vector("ffn_norm", "feedforward_layernorm", s.hidden);
    n.Matrix("ffn_up", "mlp.up_proj", s.feed_forward, s.hidden);
    n.Matrix("ffn_down", "mlp.down_proj", s.hidden, s.feed_forward);
  }
  RETURN_IF_ERROR(AddActivation(s, model));
  return AddLlamaParameters(model.architecture, config, s, model.keys);
}

}  // namespace

extern const Architecture kApertus = {"apertus", kClasses, kConfigs, Describe};

}  // namespace converters
