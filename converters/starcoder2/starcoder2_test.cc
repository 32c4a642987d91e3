#include "converters/reference_plan.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

TEST(Starcoder2Test, GroupedQueriesAndBiases) {
  ExpectReferencePlan("testdata/generated/tiny-starcoder2", "starcoder2");
}

}  // namespace
}  // namespace converters
