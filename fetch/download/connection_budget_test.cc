#include "fetch/download/connection_budget.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

absl::Time At(int milliseconds) {
  return absl::UnixEpoch() + absl::Milliseconds(milliseconds);
}

TEST(ConnectionBudgetTest, GrowsWithAFastLink) {
  ConnectionBudget budget(8);
  EXPECT_EQ(budget.allowed(), 2);
  budget.Received(1 << 20, 0, At(0));
  budget.Received(1 << 20, 0, At(300));
  EXPECT_EQ(budget.allowed(), 8);
  budget.Received(1 << 20, 0, At(600));
  EXPECT_EQ(budget.allowed(), 8);
}

TEST(ConnectionBudgetTest, StaysSmallOnASlowLink) {
  ConnectionBudget budget(8);
  for (int i = 0; i < 100; ++i) budget.Received(10000, 0, At(300 * i));
  EXPECT_EQ(budget.allowed(), 2);
}

TEST(ConnectionBudgetTest, SmallFilesCountByTheirNumber) {
  ConnectionBudget budget(8);
  budget.Received(100, 2, At(0));
  EXPECT_EQ(budget.allowed(), 4);
}

TEST(ConnectionBudgetTest, ShrinksWhenAskedTo) {
  ConnectionBudget budget(8);
  budget.Throttled();
  EXPECT_EQ(budget.allowed(), 1);
  budget.Throttled();
  EXPECT_EQ(budget.allowed(), 1);
  EXPECT_EQ(ConnectionBudget(1).allowed(), 1);
  EXPECT_EQ(ConnectionBudget(0).allowed(), 1);
}

}  // namespace
}  // namespace fetch
