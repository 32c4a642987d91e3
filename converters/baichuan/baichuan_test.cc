#include "converters/reference_plan.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

TEST(BaichuanTest, PackedQueriesKeysValues) {
  ExpectReferencePlan("testdata/generated/tiny-baichuan", "baichuan");
}

}  // namespace
}  // namespace converters
