// InternLM 2, 2.5, and 3, which is a Llama in GGUF.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/tensor_view.h"
#include "converters/tensors.h"
#include "converters/vocab/sentencepiece.h"
#include "converters/vocab/token_list.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

constexpr absl::string_view kClasses2[] = {"InternLM2ForCausalLM"};
constexpr absl::string_view kClasses3[] = {"InternLM3ForCausalLM"};

// In chats a turn's end is the text's, whatever config.json says.
absl::Status EndWithTurn(const vocab::TokenizerFiles& files,
                         gguf::Metadata& metadata) {
  constexpr absl::string_view kTurnEnd = "<|im_end|>";
  std::optional<uint64_t> found;
  const auto look = [&](const nlohmann::json& token,
                        std::optional<uint64_t> id) {
    const std::string* text = base::StringMember(token, "content");
    if (text != nullptr && *text == kTurnEnd && id) found = id;
  };
  const auto& decoder =
      base::Member(files.tokenizer_config, "added_tokens_decoder");
  for (const auto& [key, token] : decoder.items()) {
    uint64_t id;
    if (absl::SimpleAtoi(key, &id)) look(token, id);
  }
  for (const auto& token : base::Member(files.tokenizer, "added_tokens")) {
    look(token, base::UintOf(base::Member(token, "id")));
  }
  if (found && *found <= UINT32_MAX) {
    metadata.Set("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(*found));
  }
  return absl::OkStatus();
}

absl::Status EditTokens(const vocab::TokenizerFiles&, vocab::TokenList& list) {
  // C++ programs take a piece of one NUL for an empty one.
  constexpr absl::string_view kNul("\0", 1);
  constexpr absl::string_view kInItsPlace = "🐉";
  constexpr auto kNormal = static_cast<int32_t>(vocab::TokenType::kNormal);
  for (size_t id = 0; id < list.size(); ++id) {
    if (list.texts[id] == kNul) list.texts[id] = kInItsPlace;
    // Rows for tokens to come.
    if (list.types[id] == kNormal &&
        absl::StartsWith(list.texts[id], "[UNUSED")) {
      list.types[id] = static_cast<int32_t>(vocab::TokenType::kUnused);
    }
  }
  return absl::OkStatus();
}

absl::Status AddModelsSpacePrefix(const vocab::TokenizerFiles& files,
                                  gguf::Metadata& metadata) {
  ASSIGN_OR_RETURN(const bool prefix, vocab::AddsDummyPrefix(files.directory));
  metadata.Set("tokenizer.ggml.add_space_prefix", prefix);
  return absl::OkStatus();
}

// The queries that share a key-value head, its key and its value stand
// together.
void FusedAttention(Names& n, const TextSizes& s) {
  const uint64_t queries = s.heads / s.kv_heads * s.head_size;
  const TensorView fused =
      n.View("attention.wqkv.weight",
             {s.kv_heads * (queries + 2 * s.head_size), s.hidden});
  n.Add("attn_q.weight", fused.Grouped(s.kv_heads, 0, queries).Rotary(s.heads));
  n.Add("attn_k.weight",
        fused.Grouped(s.kv_heads, queries, s.head_size).Rotary(s.kv_heads));
  n.Add("attn_v.weight",
        fused.Grouped(s.kv_heads, queries + s.head_size, s.head_size));
  n.Matrix("attn_output", "attention.wo", s.hidden, s.hidden);
}

absl::Status Describe2(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(TextSizes s, ReadTextSizes(config));
  s.head_size = s.hidden / s.heads;
  RETURN_IF_ERROR(CheckRotary(s));
  if (s.kv_heads == 0 || s.heads % s.kv_heads != 0) {
    return config.Unexpected({"num_key_value_heads"},
                             "a divisor of num_attention_heads");
  }
  model.vocabulary = {.kind = vocab::Kind::kSentencePiece,
                      .size = s.vocabulary,
                      .marks_decide = true,
                      .edit = EditTokens,
                      .after_tokens = AddModelsSpacePrefix,
                      .finish = EndWithTurn};

  Tensors& t = model.tensors;
  t.Matrix("token_embd", "model.tok_embeddings", s.vocabulary, s.hidden);
  t.Vector("output_norm", "model.norm", s.hidden);
  t.Matrix("output", "output", s.vocabulary, s.hidden).Optional();
  for (Names n : t.Each(s.blocks, "model.layers.")) {
    n.Vector("attn_norm", "attention_norm", s.hidden);
    FusedAttention(n, s);
    n.Vector("ffn_norm", "ffn_norm", s.hidden);
    n.Matrix("ffn_gate", "feed_forward.w1", s.feed_forward, s.hidden);
    n.Matrix("ffn_up", "feed_forward.w3", s.feed_forward, s.hidden);
    n.Matrix("ffn_down", "feed_forward.w2", s.hidden, s.feed_forward);
  }
  return AddTextParameters(model.architecture, config, model.keys);
}

absl::Status Describe3(const Config& config, Model& model) {
  model.architecture = "llama";
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  model.vocabulary = {.kind = vocab::Kind::kSentencePiece,
                      .size = s.vocabulary,
                      .after_tokens = vocab::AddSpacePrefix,
                      .finish = EndWithTurn};
  DropMultimodal(model.tensors);
  EmbeddingAndHead(model.tensors, s);
  for (Names n : model.tensors.Each(s.blocks, "model.layers.")) {
    LlamaBlock(n, s, RotaryOrder::kPairs);
  }
  return AddLlamaParameters(model.architecture, config, s, model.keys);
}

}  // namespace

extern const Architecture kInternLm2 = {"internlm2", kClasses2, {}, Describe2};
extern const Architecture kInternLm3 = {"internlm3", kClasses3, {}, Describe3};

}  // namespace converters
