#include "quant/name_pattern.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quant {
namespace {

using ::testing::HasSubstr;

bool Matches(const std::string& pattern, const std::string& name) {
  auto compiled = NamePattern::Compile(pattern);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  const NamePattern moved = *std::move(compiled);
  return *moved.IsIn(name);
}

TEST(NamePatternTest, SearchesAnywhere) {
  EXPECT_TRUE(Matches("attn_v", "blk.0.attn_v.weight"));
  EXPECT_TRUE(Matches(R"(blk\.(1[0-9]|2)\.)", "blk.12.ffn_up.weight"));
  EXPECT_FALSE(Matches(R"(blk\.(1[0-9]|2)\.)", "blk.1.ffn_up.weight"));
  EXPECT_TRUE(Matches("^output", "output.weight"));
  EXPECT_FALSE(Matches("^output", "blk.0.attn_output.weight"));
}

TEST(NamePatternTest, UpperCaseCountsAsLowerCase) {
  EXPECT_TRUE(Matches("ATTN_V", "blk.0.attn_v.weight"));
}

TEST(NamePatternTest, BadPatternsAreErrors) {
  const auto bad = NamePattern::Compile("attn_(v");
  EXPECT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(bad.status().message(),
              HasSubstr("bad regular expression 'attn_(v': "));
}

}  // namespace
}  // namespace quant
