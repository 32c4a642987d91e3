#include "quant/tensor_role.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "gtest/gtest.h"

namespace quant {
namespace {

bool Quantizable(std::string name, std::vector<uint64_t> shape = {256, 16}) {
  return IsQuantizable(gguf::TensorInfo{std::move(name), gguf::TensorType::kF16,
                                        std::move(shape)});
}

TEST(TensorRoleTest, Roles) {
  EXPECT_EQ(RoleOf("output.weight"), TensorRole::kOutput);
  EXPECT_EQ(RoleOf("token_embd.weight"), TensorRole::kTokenEmbedding);
  EXPECT_EQ(RoleOf("token_embd_norm.weight"), TensorRole::kOther);
  EXPECT_EQ(RoleOf("blk.3.attn_v.weight"), TensorRole::kAttentionValue);
  EXPECT_EQ(RoleOf("blk.3.attn_qkv.weight"), TensorRole::kAttentionValue);
  EXPECT_EQ(RoleOf("blk.3.attn_v.bias"), TensorRole::kOther);
  EXPECT_EQ(RoleOf("blk.3.attn_k.weight"), TensorRole::kAttentionKey);
  EXPECT_EQ(RoleOf("blk.3.attn_q.weight"), TensorRole::kOther);
  EXPECT_EQ(RoleOf("blk.3.attn_output.weight"), TensorRole::kAttentionOutput);
  EXPECT_EQ(RoleOf("blk.3.ffn_down.weight"), TensorRole::kFeedForwardDown);
  EXPECT_EQ(RoleOf("blk.3.ffn_down_exps.weight"), TensorRole::kFeedForwardDown);
  EXPECT_EQ(RoleOf("blk.3.ffn_gate_exps.weight"), TensorRole::kOther);
}

TEST(TensorRoleTest, BlockNumbers) {
  EXPECT_EQ(BlockOf("blk.0.attn_k.weight"), 0u);
  EXPECT_EQ(BlockOf("blk.127.ffn_up.weight"), 127u);
  EXPECT_EQ(BlockOf("output.weight"), std::nullopt);
  EXPECT_EQ(BlockOf("blk.x.weight"), std::nullopt);
  EXPECT_EQ(BlockOf("enc.blk.3.attn_k.weight"), std::nullopt);
  EXPECT_EQ(BlockOf("blk.99999999999999999999.weight"), std::nullopt);
}

TEST(TensorRoleTest, WhatIsNeverQuantized) {
  EXPECT_TRUE(Quantizable("token_embd.weight"));
  EXPECT_TRUE(Quantizable("blk.0.ffn_gate_exps.weight", {256, 16, 4}));
  EXPECT_FALSE(Quantizable("blk.0.attn_norm.weight"));
  EXPECT_FALSE(Quantizable("blk.0.ffn_gate_inp.weight"));
  EXPECT_FALSE(Quantizable("position_embd.weight"));
  EXPECT_FALSE(Quantizable("token_types.weight"));
  EXPECT_FALSE(Quantizable("blk.0.ssm_conv1d.weight"));
  EXPECT_FALSE(Quantizable("blk.0.attn_k.bias"));
  EXPECT_FALSE(Quantizable("rope_freqs.weight", {64}));
}

TEST(TensorRoleTest, TrailingOnesAreNoDimensions) {
  EXPECT_FALSE(Quantizable("a.weight", {256, 1}));
  EXPECT_FALSE(Quantizable("a.weight", {256, 1, 1, 1}));
  EXPECT_TRUE(Quantizable("a.weight", {1, 256}));
  EXPECT_TRUE(Quantizable("a.weight", {256, 1, 2}));
}

}  // namespace
}  // namespace quant
