#include "base/human_text.h"

#include "gtest/gtest.h"

namespace base {
namespace {

TEST(HumanTextTest, BytesCountInPowersOf1024) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(1023), "1023 B");
  EXPECT_EQ(BytesText(1024), "1.0 KiB");
  EXPECT_EQ(BytesText(5 << 19), "2.5 MiB");
  EXPECT_EQ(BytesText(1.5 * 1024 * 1024 * 1024), "1.5 GiB");
}

TEST(HumanTextTest, ClocksHaveHoursWhereThereAreSome) {
  EXPECT_EQ(ClockText(0), "00:00");
  EXPECT_EQ(ClockText(83), "01:23");
  EXPECT_EQ(ClockText(3725), "1:02:05");
}

TEST(HumanTextTest, BarsAreAsLongAsTheShareDone) {
  EXPECT_EQ(BarText(0, 4), "[....] ");
  EXPECT_EQ(BarText(0.5, 4), "[##..] ");
  EXPECT_EQ(BarText(1, 4), "[####] ");
}

TEST(HumanTextTest, TablesAlignTheirColumns) {
  EXPECT_EQ(TableText({{"name", "n"}, {"a", "100"}, {"bc", "20"}}, "lr"),
            "  name    n\n  a     100\n  bc     20\n");
  EXPECT_EQ(TableText({{"a", "b"}, {"ccc", "d"}}, "ll", 0), "a    b\nccc  d\n");
}

}  // namespace
}  // namespace base
