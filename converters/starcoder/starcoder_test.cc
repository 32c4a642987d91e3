#include "converters/reference_plan.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

TEST(StarcoderTest, TiedHead) {
  ExpectReferencePlan("testdata/generated/tiny-starcoder", "starcoder");
}

}  // namespace
}  // namespace converters
