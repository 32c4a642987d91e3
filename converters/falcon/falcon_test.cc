#include "converters/reference_plan.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

TEST(FalconTest, SevenBillionLayout) {
  ExpectReferencePlan("testdata/generated/tiny-falcon", "falcon");
}

TEST(FalconTest, FortyBillionLayout) {
  ExpectReferencePlan("testdata/generated/tiny-falcon40", "falcon");
}

}  // namespace
}  // namespace converters
