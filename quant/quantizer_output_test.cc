#include "quant/quantizer_output.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gguf/metadata.h"
#include "gtest/gtest.h"
#include "quant/file_type.h"

namespace quant {
namespace {

TEST(QuantizerOutputTest, BlocksByNumberNamesByByte) {
  const std::vector<std::string> names = {
      "blk.10.attn_k.weight", "token_embd.weight",   "blk.2.ffn_up.weight",
      "output_norm.weight",   "blk.2.attn_k.weight", "rope_freqs.weight",
      "output.weight",        "blk.0.ffn_up.weight", "position_embd.weight"};
  std::vector<std::string> sorted;
  for (size_t i : QuantizerOrder(names)) sorted.push_back(names[i]);
  EXPECT_EQ(sorted,
            (std::vector<std::string>{
                "output.weight", "output_norm.weight", "position_embd.weight",
                "rope_freqs.weight", "token_embd.weight", "blk.0.ffn_up.weight",
                "blk.2.attn_k.weight", "blk.2.ffn_up.weight",
                "blk.10.attn_k.weight"}));
}

TEST(QuantizerOutputTest, ShapesLoseOnesAtTheEnd) {
  using Shape = std::vector<uint64_t>;
  EXPECT_EQ(QuantizerShape(Shape{256, 1}), (Shape{256}));
  EXPECT_EQ(QuantizerShape(Shape{256, 1, 3, 1}), (Shape{256, 1, 3}));
  EXPECT_EQ(QuantizerShape(Shape{1, 1}), (Shape{1}));
}

TEST(QuantizerOutputTest, MetadataOfTheQuantizer) {
  gguf::Metadata metadata;
  metadata.Set("general.architecture", std::string("llama"));
  metadata.Set("general.file_type", uint32_t{1});
  metadata.Set("general.quantization_version", uint32_t{2});
  metadata.Set("split.count", uint16_t{2});
  metadata.Set("tokenizer.ggml.model", std::string("gpt2"));
  EditLikeQuantizer(*FindFileType("Q4_K_M"), metadata);

  gguf::Metadata expected;
  expected.Set("general.architecture", std::string("llama"));
  expected.Set("tokenizer.ggml.model", std::string("gpt2"));
  expected.Set("general.quantization_version", uint32_t{2});
  expected.Set("general.file_type", uint32_t{15});
  EXPECT_EQ(metadata, expected);
}

}  // namespace
}  // namespace quant
