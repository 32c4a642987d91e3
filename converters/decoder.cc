#include "converters/decoder.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/tensors.h"
#include "converters/vocab/special_tokens.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"

namespace converters {
namespace {

constexpr absl::string_view kShareKey = "partial_rotary_factor";

}  // namespace

void EmbeddingAndHead(Tensors& tensors, const TextSizes& sizes,
                      bool with_head) {
  tensors.Matrix("token_embd", "model.embed_tokens", sizes.vocabulary,
                 sizes.hidden);
  tensors.Vector("output_norm", "model.norm", sizes.hidden);
  if (!with_head) return;
  tensors.Matrix("output", "lm_head", sizes.vocabulary, sizes.hidden)
      .Optional();
}

void Attention(Names& block, const TextSizes& sizes, RotaryOrder order) {
  const uint64_t q = sizes.heads * sizes.head_size;
  const uint64_t kv = sizes.kv_heads * sizes.head_size;
  const bool is_paired = order == RotaryOrder::kPairs;
  Target queries =
      block.Matrix("attn_q", "self_attn.q_proj", q, sizes.hidden).MaybeBias();
  if (is_paired) queries.Rotary(sizes.heads);
  Target keys =
      block.Matrix("attn_k", "self_attn.k_proj", kv, sizes.hidden).MaybeBias();
  if (is_paired) keys.Rotary(sizes.kv_heads);
  block.Matrix("attn_v", "self_attn.v_proj", kv, sizes.hidden).MaybeBias();
  block.Matrix("attn_output", "self_attn.o_proj", sizes.hidden, q).MaybeBias();
}

void LlamaBlock(Names& block, const TextSizes& sizes, RotaryOrder order) {
  block.Vector("attn_norm", "input_layernorm", sizes.hidden);
  Attention(block, sizes, order);
  block.Vector("ffn_norm", "post_attention_layernorm", sizes.hidden);
  GatedFeedForward(block, "mlp.", sizes.feed_forward, sizes.hidden);
}

absl::StatusOr<uint64_t> RotatedPart(const Config& config, double fallback,
                                     uint64_t values) {
  const Config rope = config.Rope();
  ASSIGN_OR_RETURN(const double share, rope.NumberOr({kShareKey}, fallback));
  if (!(share >= 0 && share <= 1)) {
    return rope.Unexpected({kShareKey}, "a number from 0 to 1");
  }
  return static_cast<uint64_t>(share * static_cast<double>(values));
}

void DropMultimodal(Tensors& tensors) {
  constexpr absl::string_view kReason =
      "parts for images and sound, which a text model's file has no place for "
      "(no mmproj file is made)";
  // What may stand behind "model.", and what anywhere.
  constexpr absl::string_view kFirst[] = {"mlp",
                                          "vit.",
                                          "vpm.",
                                          "siglip2.",
                                          "conformer.",
                                          "connector.",
                                          "merger.",
                                          "resampler.",
                                          "sound_encoder.",
                                          "sound_projection.",
                                          "speech_embeddings."};
  constexpr absl::string_view kAnywhere[] = {
      "visual.",         "vision.",
      "audio.",          "talker.",
      "vision_",         "audio_",
      "token2wav.",      "code2wav.",
      "projector.",      "pre_mm_projector_norm",
      "image_newline",   "view_seperator",
      "patch_embed",     "patch_merger.",
      "patch_merge_mlp."};
  tensors.CutFromNames("language_model.");
  for (absl::string_view part : kFirst) {
    tensors.Drop(absl::StrCat(part, "*"), kReason);
    tensors.Drop(absl::StrCat("model.", part, "*"), kReason);
  }
  for (absl::string_view part : kAnywhere) {
    tensors.Drop(absl::StrCat("*", part, "*"), kReason);
  }
}

absl::Status AddLlamaParameters(absl::string_view architecture,
                                const Config& config, const TextSizes& sizes,
                                gguf::Metadata& metadata) {
  RETURN_IF_ERROR(AddTextParameters(architecture, config, metadata));
  KeyWriter keys(architecture, metadata);
  keys.Uint("vocab_size", sizes.vocabulary);
  keys.Uint("rope.dimension_count", sizes.head_size);
  return keys.status();
}

namespace {

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

}  // namespace

vocab::Vocabulary LlamaVocabulary(uint64_t size) {
  constexpr uint64_t kCodeLlama = 32016;
  constexpr uint64_t kGraniteCode = 49152;
  // Granite's, which has the structure of StarCoder's.
  static constexpr vocab::PreTokenizerName kPreTokenizers[] = {
      {"starcoder", "refact"}};
  vocab::Vocabulary vocabulary = {.kind = vocab::Kind::kLlama,
                                  .size = size,
                                  .pre_tokenizers = kPreTokenizers};
  if (size == kCodeLlama) {
    vocabulary.finish = AddCodeLlamaTokens;
  } else if (size == kGraniteCode) {
    vocabulary.finish = [](const vocab::TokenizerFiles&,
                           gguf::Metadata& metadata) {
      metadata.Set("tokenizer.ggml.add_bos_token", false);
      return absl::OkStatus();
    };
  }
  return vocabulary;
}

absl::StatusOr<std::vector<bool>> SlidingBlocks(const Config& config,
                                                uint64_t blocks) {
  ASSIGN_OR_RETURN(const std::vector<std::string> types,
                   config.Texts({"layer_types"}));
  if (config.Has({"layer_types"}) && types.size() != blocks) {
    return config.Unexpected(
        {"layer_types"}, absl::StrCat("one for each of ", blocks, " blocks"));
  }
  std::vector<bool> sliding;
  for (const std::string& type : types) {
    sliding.push_back(type == "sliding_attention");
  }
  return sliding;
}

std::vector<bool> AllButEvery(uint64_t period, uint64_t blocks) {
  std::vector<bool> sliding;
  for (uint64_t i = 1; i <= blocks; ++i) sliding.push_back(i % period != 0);
  return sliding;
}

}  // namespace converters
