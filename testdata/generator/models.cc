#include "testdata/generator/models.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "testdata/generator/safetensors_writer.h"
#include "testdata/generator/weights.h"

namespace testdata {
namespace {

using nlohmann::ordered_json;

// Collects tensors under a common prefix.
class Tensors {
 public:
  // `name`.weight, and `name`.bias if asked for.
  void Linear(const std::string& name, uint64_t out, uint64_t in,
              bool bias = false) {
    list_.push_back({prefix_ + name + ".weight", {out, in}, Spread::kMatrix});
    if (bias) list_.push_back({prefix_ + name + ".bias", {out}, Spread::kBias});
  }
  void Norm(const std::string& name, uint64_t size, bool bias = false) {
    list_.push_back({prefix_ + name + ".weight", {size}, Spread::kNorm});
    if (bias) {
      list_.push_back({prefix_ + name + ".bias", {size}, Spread::kBias});
    }
  }
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }
  std::vector<TensorSpec> Take() { return std::move(list_); }

 private:
  std::string prefix_;
  std::vector<TensorSpec> list_;
};

std::string Layer(absl::string_view prefix, uint64_t layer) {
  return absl::StrCat(prefix, layer, ".");
}

void AddExperts(const ModelSizes& s, Tensors& t) {
  t.Linear("block_sparse_moe.gate", s.experts, s.hidden);
  for (uint64_t expert = 0; expert < s.experts; ++expert) {
    const std::string name =
        absl::StrCat("block_sparse_moe.experts.", expert, ".w");
    t.Linear(name + "1", s.feed_forward, s.hidden);
    t.Linear(name + "2", s.hidden, s.feed_forward);
    t.Linear(name + "3", s.feed_forward, s.hidden);
  }
}

void AddGatedFeedForward(const ModelSizes& s, Tensors& t) {
  t.Linear("mlp.gate_proj", s.feed_forward, s.hidden);
  t.Linear("mlp.up_proj", s.feed_forward, s.hidden);
  t.Linear("mlp.down_proj", s.hidden, s.feed_forward);
}

void AddHead(const ModelSizes& s, const std::string& name, Tensors& t) {
  t.set_prefix("");
  if (!s.tied) t.Linear(name, s.vocabulary, s.hidden);
}

// Llama, Mistral, Mixtral and Baichuan.
std::vector<TensorSpec> LlamaTensors(const ModelSizes& s, bool fused_qkv,
                                     bool mixture) {
  Tensors t;
  const uint64_t q = s.heads * s.head_size, kv = s.kv_heads * s.head_size;
  t.Linear("model.embed_tokens", s.vocabulary, s.hidden);
  for (uint64_t i = 0; i < s.layers; ++i) {
    t.set_prefix(Layer("model.layers.", i));
    t.Norm("input_layernorm", s.hidden);
    if (fused_qkv) {
      t.Linear("self_attn.W_pack", 3 * q, s.hidden);
    } else {
      t.Linear("self_attn.q_proj", q, s.hidden);
      t.Linear("self_attn.k_proj", kv, s.hidden);
      t.Linear("self_attn.v_proj", kv, s.hidden);
    }
    t.Linear("self_attn.o_proj", s.hidden, q);
    t.Norm("post_attention_layernorm", s.hidden);
    if (mixture) {
      AddExperts(s, t);
    } else {
      AddGatedFeedForward(s, t);
    }
  }
  t.set_prefix("");
  t.Norm("model.norm", s.hidden);
  AddHead(s, "lm_head", t);
  return t.Take();
}

ordered_json LlamaConfig(const ModelSizes& s, const char* architecture,
                         const char* model_type) {
  return {{"architectures", {architecture}},
          {"model_type", model_type},
          {"bos_token_id", 1},
          {"eos_token_id", 2},
          {"hidden_act", "silu"},
          {"head_dim", s.head_size},
          {"hidden_size", s.hidden},
          {"intermediate_size", s.feed_forward},
          {"max_position_embeddings", 2048},
          {"num_attention_heads", s.heads},
          {"num_hidden_layers", s.layers},
          {"num_key_value_heads", s.kv_heads},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"tie_word_embeddings", s.tied},
          {"vocab_size", s.vocabulary}};
}

Model Llama(const ModelSizes& s) {
  return {LlamaConfig(s, "LlamaForCausalLM", "llama"),
          LlamaTensors(s, false, false)};
}

Model Mistral(const ModelSizes& s) {
  Model model = {LlamaConfig(s, "MistralForCausalLM", "mistral"),
                 LlamaTensors(s, false, false)};
  model.config["sliding_window"] = 1024;
  return model;
}

Model Mixtral(const ModelSizes& s) {
  Model model = {LlamaConfig(s, "MixtralForCausalLM", "mixtral"),
                 LlamaTensors(s, false, true)};
  model.config.erase("head_dim");
  model.config["num_local_experts"] = s.experts;
  model.config["num_experts_per_tok"] = 2;
  return model;
}

Model Baichuan(const ModelSizes& s) {
  Model model = {LlamaConfig(s, "BaichuanForCausalLM", "baichuan"),
                 LlamaTensors(s, true, false)};
  for (const char* key : {"head_dim", "num_key_value_heads", "rope_theta"}) {
    model.config.erase(key);
  }
  return model;
}

Model GptBigcode(const ModelSizes& s) {
  constexpr uint64_t kPositions = 128;
  Tensors t;
  t.Linear("transformer.wte", s.vocabulary, s.hidden);
  t.Linear("transformer.wpe", kPositions, s.hidden);
  for (uint64_t i = 0; i < s.layers; ++i) {
    t.set_prefix(Layer("transformer.h.", i));
    t.Norm("ln_1", s.hidden, true);
    t.Linear("attn.c_attn", s.hidden + 2 * s.hidden / s.heads, s.hidden, true);
    t.Linear("attn.c_proj", s.hidden, s.hidden, true);
    t.Norm("ln_2", s.hidden, true);
    t.Linear("mlp.c_fc", 4 * s.hidden, s.hidden, true);
    t.Linear("mlp.c_proj", s.hidden, 4 * s.hidden, true);
  }
  t.set_prefix("");
  t.Norm("transformer.ln_f", s.hidden, true);
  AddHead(s, "lm_head", t);
  return {{{"architectures", {"GPTBigCodeForCausalLM"}},
           {"model_type", "gpt_bigcode"},
           {"bos_token_id", 0},
           {"eos_token_id", 0},
           {"layer_norm_epsilon", 1e-5},
           {"multi_query", true},
           {"n_embd", s.hidden},
           {"n_head", s.heads},
           {"n_inner", 4 * s.hidden},
           {"n_layer", s.layers},
           {"n_positions", kPositions},
           {"vocab_size", s.vocabulary}},
          t.Take()};
}

Model Starcoder2(const ModelSizes& s) {
  Tensors t;
  const uint64_t kv = s.kv_heads * s.hidden / s.heads;
  t.Linear("model.embed_tokens", s.vocabulary, s.hidden);
  for (uint64_t i = 0; i < s.layers; ++i) {
    t.set_prefix(Layer("model.layers.", i));
    t.Norm("input_layernorm", s.hidden, true);
    t.Linear("self_attn.q_proj", s.hidden, s.hidden, true);
    t.Linear("self_attn.k_proj", kv, s.hidden, true);
    t.Linear("self_attn.v_proj", kv, s.hidden, true);
    t.Linear("self_attn.o_proj", s.hidden, s.hidden, true);
    t.Norm("post_attention_layernorm", s.hidden, true);
    t.Linear("mlp.c_fc", s.feed_forward, s.hidden, true);
    t.Linear("mlp.c_proj", s.hidden, s.feed_forward, true);
  }
  t.set_prefix("");
  t.Norm("model.norm", s.hidden, true);
  AddHead(s, "lm_head", t);
  return {{{"architectures", {"Starcoder2ForCausalLM"}},
           {"model_type", "starcoder2"},
           {"bos_token_id", 0},
           {"eos_token_id", 0},
           {"hidden_size", s.hidden},
           {"intermediate_size", s.feed_forward},
           {"max_position_embeddings", 4096},
           {"norm_epsilon", 1e-5},
           {"num_attention_heads", s.heads},
           {"num_hidden_layers", s.layers},
           {"num_key_value_heads", s.kv_heads},
           {"rope_theta", 100000.0},
           {"sliding_window", 1024},
           {"tie_word_embeddings", s.tied},
           {"use_bias", true},
           {"vocab_size", s.vocabulary}},
          t.Take()};
}

Model Falcon(const ModelSizes& s, bool new_architecture) {
  Tensors t;
  const uint64_t kv_heads = new_architecture ? s.kv_heads : 1;
  const uint64_t qkv = (s.heads + 2 * kv_heads) * s.hidden / s.heads;
  t.Linear("transformer.word_embeddings", s.vocabulary, s.hidden);
  for (uint64_t i = 0; i < s.layers; ++i) {
    t.set_prefix(Layer("transformer.h.", i));
    if (new_architecture) {
      t.Norm("ln_attn", s.hidden, true);
      t.Norm("ln_mlp", s.hidden, true);
    } else {
      t.Norm("input_layernorm", s.hidden, true);
    }
    t.Linear("self_attention.query_key_value", qkv, s.hidden);
    t.Linear("self_attention.dense", s.hidden, s.hidden);
    t.Linear("mlp.dense_h_to_4h", 4 * s.hidden, s.hidden);
    t.Linear("mlp.dense_4h_to_h", s.hidden, 4 * s.hidden);
  }
  t.set_prefix("");
  t.Norm("transformer.ln_f", s.hidden, true);
  AddHead(s, "lm_head", t);
  ordered_json config = {{"architectures", {"FalconForCausalLM"}},
                         {"model_type", "falcon"},
                         {"alibi", false},
                         {"bias", false},
                         {"bos_token_id", 0},
                         {"eos_token_id", 0},
                         {"hidden_size", s.hidden},
                         {"layer_norm_epsilon", 1e-5},
                         {"multi_query", true},
                         {"new_decoder_architecture", new_architecture},
                         {"num_attention_heads", s.heads},
                         {"num_hidden_layers", s.layers},
                         {"num_kv_heads", kv_heads},
                         {"parallel_attn", true},
                         {"vocab_size", s.vocabulary}};
  return {std::move(config), t.Take()};
}

Model GptNeox(const ModelSizes& s) {
  Tensors t;
  t.Linear("gpt_neox.embed_in", s.vocabulary, s.hidden);
  for (uint64_t i = 0; i < s.layers; ++i) {
    t.set_prefix(Layer("gpt_neox.layers.", i));
    t.Norm("input_layernorm", s.hidden, true);
    t.Norm("post_attention_layernorm", s.hidden, true);
    t.Linear("attention.query_key_value", 3 * s.hidden, s.hidden, true);
    t.Linear("attention.dense", s.hidden, s.hidden, true);
    t.Linear("mlp.dense_h_to_4h", s.feed_forward, s.hidden, true);
    t.Linear("mlp.dense_4h_to_h", s.hidden, s.feed_forward, true);
  }
  t.set_prefix("");
  t.Norm("gpt_neox.final_layer_norm", s.hidden, true);
  AddHead(s, "embed_out", t);
  return {{{"architectures", {"GPTNeoXForCausalLM"}},
           {"model_type", "gpt_neox"},
           {"bos_token_id", 0},
           {"eos_token_id", 0},
           {"hidden_size", s.hidden},
           {"intermediate_size", s.feed_forward},
           {"layer_norm_eps", 1e-5},
           {"max_position_embeddings", 2048},
           {"num_attention_heads", s.heads},
           {"num_hidden_layers", s.layers},
           {"rotary_emb_base", 10000},
           {"rotary_pct", 0.25},
           {"tie_word_embeddings", s.tied},
           {"use_parallel_residual", true},
           {"vocab_size", s.vocabulary}},
          t.Take()};
}

}  // namespace

absl::StatusOr<Model> MakeModel(absl::string_view architecture,
                                const ModelSizes& sizes) {
  if (architecture == "llama") return Llama(sizes);
  if (architecture == "mistral") return Mistral(sizes);
  if (architecture == "mixtral") return Mixtral(sizes);
  if (architecture == "baichuan") return Baichuan(sizes);
  if (architecture == "gpt_bigcode") return GptBigcode(sizes);
  if (architecture == "starcoder2") return Starcoder2(sizes);
  if (architecture == "falcon") return Falcon(sizes, false);
  if (architecture == "falcon40") return Falcon(sizes, true);
  if (architecture == "gpt_neox") return GptNeox(sizes);
  return absl::InvalidArgumentError(
      absl::StrCat("no such architecture: ", architecture));
}

}  // namespace testdata
