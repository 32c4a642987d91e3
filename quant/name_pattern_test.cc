#include "quant/name_pattern.h"

#include <regex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 finds a false one within <regex> when it builds with sanitizers.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace quant {
namespace {

using ::testing::HasSubstr;

bool Matches(const std::string& pattern, const std::string& name) {
  auto compiled = NamePattern::Compile(pattern);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  const NamePattern moved = *std::move(compiled);
  return moved.IsIn(name);
}

std::string Refusal(const std::string& pattern) {
  const auto bad = NamePattern::Compile(pattern);
  EXPECT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(bad.status().message());
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
  EXPECT_TRUE(Matches(R"(blk\.\D\.)", "blk.0.attn_v.weight"));
  EXPECT_FALSE(Matches("attn_v", "blk.0.ATTN_V.weight"));
}

TEST(NamePatternTest, MatchesWhatTheReferencesLibraryDoes) {
  const std::string kPatterns[] = {
      "",
      "^$",
      "a|",
      R"(\.weight$)",
      "[a-c-]",
      "[^a-z_.0-9]",
      "[[:digit:]x]",
      R"([\d_]\.)",
      R"(\bup\b)",
      R"(ffn_(?:up|down)?\.)",
      "(a|aa)+$",
      ".{3}\\.[0-9]{1,2}\\.",
      "b*?l",
      R"(\x62lk)",
      "(((k)))",
      "o]",
      "}",
      R"(blk\.[4-9]\.ffn_(gate|up)(_exps)?\.weight)",
      R"(\/|\-|\_)",
      R"(.*=.*)",
      "[\\].]",
      "[[a]",
      "\xc3\xa4",
      "[^\x80-\xff]\xe9",
  };
  const std::string kNames[] = {
      "",         "output.weight",          "blk.0.attn_v.weight",
      "k]}",      "blk.12.ffn_up.weight",   "blk.7.ffn_gate_exps.weight",
      "aaaa",     "blk.3.ffn_down.weight",  "a=[b",
      "\xc3\xa4", "per-layer/token_embd.x", "\xe9t\xe9 \xe9",
  };
  for (const std::string& pattern : kPatterns) {
    const std::regex expected(pattern);
    for (const std::string& name : kNames) {
      EXPECT_EQ(Matches(pattern, name), std::regex_search(name, expected))
          << pattern << " in " << name;
    }
  }
}

TEST(NamePatternTest, BadPatternsAreErrors) {
  EXPECT_THAT(Refusal("attn_(v"),
              HasSubstr("bad regular expression 'attn_(v': "));
  EXPECT_THAT(Refusal("*"), HasSubstr("bad regular expression '*': "));
  EXPECT_THAT(Refusal("[a"), HasSubstr("bad regular expression '[a': "));
}

TEST(NamePatternTest, WhatNeedsBacktrackingOrMeansSomethingElseIsRefused) {
  EXPECT_THAT(Refusal(R"((a)\1)"), HasSubstr("backreferences"));
  EXPECT_THAT(Refusal("a(?=b)"), HasSubstr("lookahead"));
  EXPECT_THAT(Refusal("a(?!b)"), HasSubstr("lookahead"));
  EXPECT_THAT(Refusal(R"(weight\Z)"), HasSubstr(R"('\z')"));
  EXPECT_THAT(Refusal("[]x]"), HasSubstr("brackets"));
  EXPECT_THAT(Refusal("[^]"), HasSubstr("brackets"));
  EXPECT_THAT(Refusal("[[.hyphen.]]"), HasSubstr("collating"));
  // Where these are characters they are none of that.
  EXPECT_TRUE(Matches(R"([(?=]\\1)", R"(=\1)"));
}

// std::regex needs exponential time for the first, and recurses until the
// stack is full for the others.
TEST(NamePatternTest, NeitherTimeNorStackIsWithoutBound) {
  EXPECT_FALSE(Matches("(a|aa)+$", std::string(60000, 'a') + "b"));
  EXPECT_TRUE(Matches(R"(blk\.0\..*\.weight)",
                      "blk.0." + std::string(60000, 'x') + ".weight"));
  EXPECT_THAT(Refusal(std::string(100000, '(')), HasSubstr("100000 bytes"));
  EXPECT_THAT(Refusal(std::string(1000, '(')), HasSubstr("bad regular"));
  EXPECT_THAT(Refusal("((((a{999}){999}){999}){999})"),
              HasSubstr("bad regular"));
}

}  // namespace
}  // namespace quant
