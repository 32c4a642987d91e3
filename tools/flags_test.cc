#include "tools/flags.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace make_gguf {
namespace {

using ::testing::ElementsAre;

TEST(FlagsTest, SpellsNamesWithUnderscores) {
  EXPECT_THAT(NormalizeArguments({"make_gguf", "--dry-run", "--model-type=a-b",
                                  "--model", "c-d"}),
              ElementsAre("make_gguf", "--dry_run", "--model_type=a-b",
                          "--model", "c-d"));
}

TEST(FlagsTest, WritesSwitchesOut) {
  EXPECT_THAT(
      NormalizeArguments({"x", "--keep-fp16", "--noresume", "--pure"}),
      ElementsAre("x", "--keep_fp16=true", "--resume=false", "--pure=true"));
}

TEST(FlagsTest, JoinsTensorTypes) {
  EXPECT_THAT(
      NormalizeArguments({"x", "--tensor-type", "a{1,2}=Q6_K", "--pure=false",
                          "--tensor_type=b=F16"}),
      ElementsAre("x", "--tensor_type=a{1,2}=Q6_K\nb=F16", "--pure=false"));
}

TEST(FlagsTest, LeavesWhatFollowsTwoDashes) {
  EXPECT_THAT(NormalizeArguments({"x", "--", "--keep-fp16"}),
              ElementsAre("x", "--", "--keep-fp16"));
}

}  // namespace
}  // namespace make_gguf
