#include "gguf/byte_ranges.h"

#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace gguf {
namespace {

TEST(ByteRangesTest, GrowsFromTheFront) {
  ByteRanges ranges;
  EXPECT_EQ(ranges.FirstGap(), 0u);
  ranges.Add(4, 8);
  EXPECT_EQ(ranges.FirstGap(), 0u);
  ranges.Add(0, 3);
  EXPECT_EQ(ranges.FirstGap(), 3u);
  ranges.Add(3, 4);
  EXPECT_EQ(ranges.FirstGap(), 8u);
  ranges.Add(2, 6);
  ranges.Add(5, 5);
  EXPECT_EQ(ranges.FirstGap(), 8u);
}

TEST(ByteRangesTest, OneRangeSwallowsSeveral) {
  ByteRanges ranges;
  ranges.Add(10, 12);
  ranges.Add(14, 16);
  ranges.Add(18, 30);
  ranges.Add(0, 20);
  EXPECT_EQ(ranges.FirstGap(), 30u);
}

TEST(ByteRangesTest, AgreesWithAListOfBits) {
  std::mt19937 random(7);
  for (int round = 0; round < 100; ++round) {
    ByteRanges ranges;
    std::vector<bool> bits(64);
    for (int step = 0; step < 30; ++step) {
      const uint64_t begin = random() % 60;
      const uint64_t end = begin + random() % 8;
      ranges.Add(begin, end > 64 ? 64 : end);
      for (uint64_t i = begin; i < end && i < 64; ++i) bits[i] = true;
      uint64_t gap = 0;
      while (gap < 64 && bits[gap]) ++gap;
      ASSERT_EQ(ranges.FirstGap(), gap);
    }
  }
}

}  // namespace
}  // namespace gguf
