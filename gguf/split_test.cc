#include "gguf/split.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gguf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// F32 tensors of so many weights.
std::vector<TensorInfo> Tensors(const std::vector<uint64_t>& sizes) {
  std::vector<TensorInfo> tensors;
  for (uint64_t size : sizes) {
    tensors.push_back(TensorInfo{
        "t" + std::to_string(tensors.size()), TensorType::kF32, {size}});
  }
  return tensors;
}

// How many tensors each shard gets.
std::vector<size_t> Counts(const std::vector<uint64_t>& sizes,
                           const SplitOptions& options) {
  const auto shards = PlanSplit(Metadata(), Tensors(sizes), options);
  EXPECT_TRUE(shards.ok()) << shards.status();
  std::vector<size_t> counts;
  size_t next = 0;
  for (const Shard& shard : *shards) {
    EXPECT_EQ(shard.first_tensor, next);
    next += shard.tensor_count;
    counts.push_back(shard.tensor_count);
  }
  EXPECT_EQ(next, sizes.size());
  return counts;
}

TEST(SplitTest, Paths) {
  EXPECT_EQ(ShardPath("dir/model-Q4_0", 0, 3),
            "dir/model-Q4_0-00001-of-00003.gguf");
  EXPECT_EQ(ParseShardPath("dir/model-Q4_0-00002-of-00003.gguf"),
            (ShardName{"dir/model-Q4_0", 1, 3}));
  EXPECT_EQ(ParseShardPath(ShardPath("m", 99999, 123456)),
            (ShardName{"m", 99999, 123456}));
  for (const char* other :
       {"model.gguf", "model-00001-of-00003.safetensors",
        "model-00000-of-00003.gguf", "model-00004-of-00003.gguf",
        "model-1-of-3.gguf", "-00001-of-00003.gguf", "00001-of-00003.gguf",
        "model-00001-00003.gguf", "model-00001-of-00003"}) {
    EXPECT_EQ(ParseShardPath(other), std::nullopt) << other;
  }
}

TEST(SplitTest, NoLimitIsOneFile) {
  Metadata metadata;
  metadata.Set("k", true);
  const auto shards = PlanSplit(metadata, Tensors({8, 8}), SplitOptions());
  ASSERT_TRUE(shards.ok());
  ASSERT_EQ(shards->size(), 1u);
  EXPECT_EQ(shards->front().metadata, metadata);
  EXPECT_EQ(shards->front().tensor_count, 2u);
}

TEST(SplitTest, ByTensors) {
  EXPECT_THAT(Counts({1, 1, 1, 1, 1}, {.max_tensors = 2}),
              ElementsAre(2, 2, 1));
  EXPECT_THAT(Counts({1, 1, 1, 1}, {.max_tensors = 4}), ElementsAre(4));
  EXPECT_THAT(
      Counts({1, 1, 1}, {.max_tensors = 2, .no_tensor_first_split = true}),
      ElementsAre(0, 2, 1));
}

TEST(SplitTest, BySize) {
  // 8 weights are 32 bytes; 1 weight is padded to as many.
  EXPECT_THAT(Counts({8, 8, 8}, {.max_bytes = 64}), ElementsAre(2, 1));
  EXPECT_THAT(Counts({1, 1, 1}, {.max_bytes = 64}), ElementsAre(2, 1));
  EXPECT_THAT(Counts({8, 8, 8}, {.max_bytes = 63}), ElementsAre(1, 1, 1));
  EXPECT_THAT(Counts({80, 8, 8, 80, 80}, {.max_bytes = 64}),
              ElementsAre(1, 2, 1, 1));
  EXPECT_THAT(Counts({8, 8, 8, 8}, {.max_bytes = 96, .max_tensors = 2}),
              ElementsAre(2, 2));
}

TEST(SplitTest, KeysOfTheShards) {
  Metadata metadata;
  metadata.Set("general.architecture", std::string("llama"));
  const auto shards =
      PlanSplit(metadata, Tensors({8, 8, 8}), {.max_tensors = 2});
  ASSERT_TRUE(shards.ok());
  ASSERT_EQ(shards->size(), 2u);
  Metadata first = metadata;
  first.Set("split.no", uint16_t{0});
  first.Set("split.tensors.count", int32_t{3});
  first.Set("split.count", uint16_t{2});
  EXPECT_EQ((*shards)[0].metadata, first);
  Metadata second;
  second.Set("split.no", uint16_t{1});
  second.Set("split.tensors.count", int32_t{3});
  second.Set("split.count", uint16_t{2});
  EXPECT_EQ((*shards)[1].metadata, second);
}

TEST(SplitTest, TooManyShards) {
  const std::vector<uint64_t> sizes(65536, 1);
  EXPECT_THAT(PlanSplit(Metadata(), Tensors(sizes), {.max_tensors = 1})
                  .status()
                  .message(),
              HasSubstr("65536 shards"));
}

TEST(SplitTest, Sizes) {
  EXPECT_EQ(*ParseSplitSize("300M"), 300'000'000u);
  EXPECT_EQ(*ParseSplitSize("2G"), 2'000'000'000u);
  EXPECT_EQ(*ParseSplitSize("5K"), 5000u);
  EXPECT_EQ(*ParseSplitSize("77"), 77u);
  for (const char* bad :
       {"", "G", "0", "0M", "-1G", "1.5G", "2T", "99999999999G"}) {
    EXPECT_FALSE(ParseSplitSize(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace gguf
