#include "converters/reference_plan.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

TEST(GptNeoxTest, FusedQueriesKeysValues) {
  ExpectReferencePlan("testdata/generated/tiny-gpt-neox", "gptneox");
}

}  // namespace
}  // namespace converters
