// XVERSE.

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/tensors.h"
#include "converters/vocab/token_list.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"XverseForCausalLM"};

// An added token's mark alone says what it is, also where the vocabulary has
// the token itself.
absl::Status EditTokens(const vocab::TokenizerFiles& files,
                        vocab::TokenList& list) {
  using vocab::TokenType;
  for (const auto& token : base::Member(files.tokenizer, "added_tokens")) {
    const std::optional<uint64_t> id = base::UintOf(base::Member(token, "id"));
    if (!id || *id >= list.size() ||
        list.types[*id] == static_cast<int32_t>(TokenType::kByte)) {
      continue;
    }
    const bool special = base::BoolMember(token, "special").value_or(false);
    list.types[*id] = static_cast<int32_t>(special ? TokenType::kControl
                                                   : TokenType::kUserDefined);
  }
  return absl::OkStatus();
}

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  model.vocabulary = {.kind = vocab::Kind::kSentencePieceLike,
                      .size = s.vocabulary,
                      .has_scores = false,
                      .edit = EditTokens};
  EmbeddingAndHead(model.tensors, s);
  for (Names n : model.tensors.Each(s.blocks, "model.layers.")) {
    LlamaBlock(n, s, RotaryOrder::kPairs);
  }
  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  keys.String("tensor_data_layout", "Meta AI original pth");
  keys.Uint("rope.dimension_count", s.hidden / s.heads);
  return keys.status();
}

}  // namespace

extern const Architecture kXverse = {"xverse", kClasses, {}, Describe};

}  // namespace converters
