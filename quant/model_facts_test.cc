#include "quant/model_facts.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/metadata.h"
#include "gtest/gtest.h"
#include "quant/mix.h"

namespace quant {
namespace {

TEST(ModelFactsTest, ReadsTheArchitecturesKeys) {
  gguf::Metadata metadata;
  metadata.Set("general.architecture", std::string("llama"));
  metadata.Set("llama.block_count", uint32_t{80});
  metadata.Set("llama.attention.head_count", uint32_t{64});
  metadata.Set("llama.attention.head_count_kv", uint64_t{8});
  metadata.Set("llama.expert_count", int32_t{4});
  metadata.Set("falcon.block_count", uint32_t{1});
  const ModelFacts facts = FactsFromMetadata(metadata);
  EXPECT_EQ(facts.architecture, "llama");
  EXPECT_EQ(facts.block_count, 80u);
  EXPECT_EQ(facts.head_count, 64u);
  EXPECT_EQ(facts.head_count_kv, 8u);
  EXPECT_EQ(facts.expert_count, 4u);
}

TEST(ModelFactsTest, MissingKeysAndOddTypes) {
  gguf::Metadata metadata;
  metadata.Set("general.architecture", std::string("x"));
  metadata.SetArray<int32_t>("x.attention.head_count", {32, 16});
  metadata.Set("x.block_count", int32_t{-1});
  metadata.Set("x.expert_count", std::string("8"));
  ModelFacts facts = FactsFromMetadata(metadata);
  EXPECT_EQ(facts.head_count, 32u);
  EXPECT_EQ(facts.head_count_kv, 32u);
  EXPECT_EQ(facts.block_count, 0u);
  EXPECT_EQ(facts.expert_count, 0u);

  metadata.SetArray<uint32_t>("x.attention.head_count_kv", {});
  facts = FactsFromMetadata(metadata);
  EXPECT_EQ(facts.head_count_kv, 32u);
  EXPECT_EQ(FactsFromMetadata(gguf::Metadata()).head_count, 0u);
}

}  // namespace
}  // namespace quant
