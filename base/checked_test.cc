#include "base/checked.h"

#include <cstdint>
#include <optional>

#include "gtest/gtest.h"

namespace base {
namespace {

constexpr uint64_t kMost = UINT64_MAX;

TEST(CheckedTest, SaysWhenSixtyFourBitsDoNotDo) {
  EXPECT_EQ(CheckedProduct({3, 5, 7}), 105);
  EXPECT_EQ(CheckedProduct({}), 1);
  EXPECT_EQ(CheckedProduct({uint64_t{1} << 32, (uint64_t{1} << 32) - 1}),
            kMost - (uint64_t{1} << 32) + 1);
  EXPECT_EQ(CheckedProduct({uint64_t{1} << 32, uint64_t{1} << 32}),
            std::nullopt);
  EXPECT_EQ(CheckedProduct({kMost, kMost, 0}), 0);
  EXPECT_EQ(CheckedSum({1, 2, 3}), 6);
  EXPECT_EQ(CheckedSum({kMost - 1, 1}), kMost);
  EXPECT_EQ(CheckedSum({kMost, 1}), std::nullopt);
}

}  // namespace
}  // namespace base
