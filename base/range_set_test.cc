#include "base/range_set.h"

#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace base {
namespace {

using ::testing::ElementsAre;

TEST(RangeSetTest, NeighboursGrowTogether) {
  RangeSet set;
  set.Add({10, 20});
  set.Add({30, 40});
  set.Add({5, 5});
  EXPECT_THAT(set.Ranges(), ElementsAre(Range{10, 20}, Range{30, 40}));
  set.Add({20, 30});
  EXPECT_THAT(set.Ranges(), ElementsAre(Range{10, 40}));
  EXPECT_EQ(set.size(), 30);
}

TEST(RangeSetTest, RemovingSplits) {
  RangeSet set;
  set.Add({0, 100});
  set.Remove({40, 60});
  set.Remove({90, 200});
  EXPECT_THAT(set.Ranges(), ElementsAre(Range{0, 40}, Range{60, 90}));
  EXPECT_EQ(set.size(), 70);
}

TEST(RangeSetTest, Gaps) {
  RangeSet set;
  EXPECT_EQ(set.FirstGap(0, 50), (Range{0, 50}));
  set.Add({0, 10});
  set.Add({20, 30});
  EXPECT_EQ(set.FirstGap(0, 50), (Range{10, 20}));
  EXPECT_EQ(set.FirstGap(15, 50), (Range{15, 20}));
  EXPECT_EQ(set.FirstGap(25, 50), (Range{30, 50}));
  EXPECT_EQ(set.FirstGap(0, 10), (Range{10, 10}));
  EXPECT_EQ(set.RunEnd(0), 10);
  EXPECT_EQ(set.RunEnd(10), 10);
  EXPECT_TRUE(set.Contains({22, 30}));
  EXPECT_FALSE(set.Contains({22, 31}));
}

// Against a set that keeps each byte.
TEST(RangeSetTest, AgreesWithABitmap) {
  constexpr uint64_t kSize = 64;
  std::mt19937 random(3);
  RangeSet set;
  std::vector<bool> bits(kSize);
  for (int step = 0; step < 5000; ++step) {
    const uint64_t begin = random() % kSize;
    const uint64_t end = begin + random() % 9;
    const bool add = random() % 2 == 0;
    if (!add) set.Remove({begin, end});
    if (add && step % 4 == 0) set.Add({begin, end});
    if (add && step % 4 != 0) {
      uint64_t added = 0;
      for (const Range& part : set.AddNew({begin, end})) {
        for (uint64_t i = part.begin; i < part.end; ++i) {
          ASSERT_TRUE(i >= begin && i < end && (i >= kSize || !bits[i]));
        }
        added += part.size();
      }
      uint64_t expected = 0;
      for (uint64_t i = begin; i < end && i < kSize; ++i) expected += !bits[i];
      if (end <= kSize) {
        ASSERT_EQ(added, expected);
      }
    }
    for (uint64_t i = begin; i < end && i < kSize; ++i) bits[i] = add;
    set.Remove({kSize, kSize + 9});
    uint64_t count = 0;
    for (uint64_t i = 0; i < kSize; ++i) {
      ASSERT_EQ(set.Contains({i, i + 1}), bits[i]) << step << " " << i;
      count += bits[i];
    }
    ASSERT_EQ(set.size(), count);
    for (const Range& range : set.Ranges()) ASSERT_LT(range.begin, range.end);
  }
}

}  // namespace
}  // namespace base
