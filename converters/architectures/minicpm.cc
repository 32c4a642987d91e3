// MiniCPM 1, 2 and 4: Llama with scales.

#include <cmath>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "converters/architecture.h"
#include "converters/config/config.h"
#include "converters/config/key_writer.h"
#include "converters/config/text_model.h"
#include "converters/decoder.h"
#include "converters/rope_factors.h"
#include "converters/tensors.h"
#include "converters/vocab/vocab.h"

namespace converters {
namespace {

constexpr absl::string_view kClasses[] = {"MiniCPMForCausalLM"};

absl::Status Describe(const Config& config, Model& model) {
  ASSIGN_OR_RETURN(const TextSizes s, ReadTextSizes(config));
  RETURN_IF_ERROR(CheckRotary(s));
  ASSIGN_OR_RETURN(const double depth, config.Number({"scale_depth"}));
  ASSIGN_OR_RETURN(const uint32_t base,
                   config.PositiveUint({"dim_model_base"}));
  model.vocabulary = {.kind = vocab::Kind::kSentencePiece,
                      .size = s.vocabulary};

  RETURN_IF_ERROR(
      AddLongRopeFactors(config, s.hidden / s.heads, model.tensors));
  EmbeddingAndHead(model.tensors, s);
  for (Names n : model.tensors.Each(s.blocks, "model.layers.")) {
    LlamaBlock(n, s, RotaryOrder::kPairs);
  }

  RETURN_IF_ERROR(AddTextParameters(model.architecture, config, model.keys));
  KeyWriter keys(model.architecture, model.keys);
  keys.Number("embedding_scale", config.Number({"scale_emb"}));
  keys.Number("residual_scale",
              depth / std::sqrt(static_cast<double>(s.blocks)));
  keys.Number("logit_scale", static_cast<double>(s.hidden) / base);
  return keys.status();
}

}  // namespace

extern const Architecture kMiniCpm = {"minicpm", kClasses, {}, Describe};

}  // namespace converters
