#include "converters/text_sizes.h"

#include <string>

#include "absl/status/status.h"
#include "converters/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

absl::StatusOr<TextSizes> Read(const nlohmann::json& json) {
  return ReadTextSizes(*Config::Make(json));
}

TEST(ReadTextSizesTest, OldAndNewNamesAreTheSame) {
  const auto a = Read({{"num_hidden_layers", 2},
                       {"hidden_size", 256},
                       {"intermediate_size", 96},
                       {"num_attention_heads", 4},
                       {"num_key_value_heads", 2},
                       {"head_dim", 32},
                       {"vocab_size", 10}});
  ASSERT_TRUE(a.ok()) << a.status();
  EXPECT_EQ(a->feed_forward, 96u);
  EXPECT_EQ(a->kv_heads, 2u);
  EXPECT_EQ(a->head_size, 32u);
  const auto b = Read(
      {{"n_layer", 2}, {"n_embd", 256}, {"n_head", 4}, {"vocab_size", 10}});
  ASSERT_TRUE(b.ok()) << b.status();
  EXPECT_EQ(b->blocks, a->blocks);
  EXPECT_EQ(b->hidden, a->hidden);
  EXPECT_EQ(b->heads, a->heads);
  EXPECT_EQ(b->feed_forward, 1024u);
  EXPECT_EQ(b->kv_heads, 4u);
  EXPECT_EQ(b->head_size, 64u);
}

TEST(ReadTextSizesTest, WhatHasNoFallbackIsNamed) {
  const auto sizes = Read({{"hidden_size", 256}, {"vocab_size", 10}});
  EXPECT_TRUE(absl::IsInvalidArgument(sizes.status()));
  EXPECT_THAT(std::string(sizes.status().message()),
              testing::HasSubstr("num_hidden_layers is missing"));
  EXPECT_FALSE(Read({{"num_hidden_layers", 2},
                     {"hidden_size", 256},
                     {"num_attention_heads", 0},
                     {"vocab_size", 10}})
                   .ok());
}

TEST(CheckRotaryTest, HeadsHoldPairs) {
  TextSizes sizes;
  sizes.head_size = 64;
  EXPECT_TRUE(CheckRotary(sizes).ok());
  sizes.head_size = 65;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckRotary(sizes)));
  sizes.head_size = 4000000000;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckRotary(sizes)));
}

}  // namespace
}  // namespace converters
