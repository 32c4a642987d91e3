#include "converters/model_card.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

json Parse(const std::string& card) {
  const absl::StatusOr<json> parsed = ParseModelCard(card);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() ? *parsed : json();
}

TEST(ParseModelCardTest, ReadsTheFrontMatter) {
  EXPECT_EQ(Parse("---\nlicense: mit\ntags:\n- a\n- b\n---\n# text: ["),
            json({{"license", "mit"}, {"tags", {"a", "b"}}}));
  EXPECT_EQ(Parse("---\r\nlicense: mit\r\n---\r\n"),
            json({{"license", "mit"}}));
  // Without an end all is front matter.
  EXPECT_EQ(Parse("---\nlicense: mit"), json({{"license", "mit"}}));
}

TEST(ParseModelCardTest, WithoutFrontMatterIsEmpty) {
  for (const char* card : {"", "# Title\n---\na: b\n---\n", " ---\na: b\n---\n",
                           "---\n---\n", "---\n- a\n- b\n---\n"}) {
    EXPECT_EQ(Parse(card), json::object()) << card;
  }
}

// PyYAML's YAML 1.1, in which the language code of Norwegian is false.
TEST(ParseModelCardTest, TypesPlainScalars) {
  const json card = Parse(
      "---\n"
      "a: yes\nb: no\nc: Off\nd: ~\ne:\nf: 1.0\ng: 0\nh: 2024-01-01\n"
      "i: \"no\"\nj: 'true'\nk: text\nl:\n- no\n- en\n"
      "m: [no, On, 0, en, ~]\n---\n");
  EXPECT_EQ(card, json({{"a", true},
                        {"b", false},
                        {"c", false},
                        {"d", nullptr},
                        {"e", nullptr},
                        {"f", "1.0"},
                        {"g", 0},
                        {"h", "2024-01-01"},
                        {"i", "no"},
                        {"j", "true"},
                        {"k", "text"},
                        {"l", {"no", "en"}},
                        {"m", {"no", "On", "0", "en", nullptr}}}));
}

TEST(ParseModelCardTest, OfAKeyThatComesTwiceTheLastCounts) {
  EXPECT_EQ(Parse("---\na: 1x\na: 2x\n---\n"), json({{"a", "2x"}}));
}

TEST(ParseModelCardTest, TabsAreSpaces) {
  EXPECT_EQ(Parse("---\na:\n\t- b\n---\n"), json({{"a", {"b"}}}));
}

TEST(ParseModelCardTest, ErrorsSayWhere) {
  const absl::StatusOr<json> card = ParseModelCard("---\na: b\nc: [d\n---\n");
  EXPECT_EQ(card.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(card.status().message()),
              ::testing::StartsWith("front matter, line "));
}

TEST(ParseModelCardTest, DeepNestingIsCut) {
  std::string card = "---\nb: [[c]]\na: ";
  for (int i = 0; i < 100; ++i) card += "[";
  for (int i = 0; i < 100; ++i) card += "]";
  const auto parsed = ParseModelCard(card + "\n---\n");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ((*parsed)["b"], json::array({json::array({"c"})}));
  int depth = 0;
  for (const json* a = &(*parsed)["a"]; a->is_array() && !a->empty();
       a = &a->front()) {
    ++depth;
  }
  EXPECT_EQ(depth, 16);
}

// A few hundred bytes that come to 10^levels values, or as many bytes.
TEST(ParseModelCardTest, AliasesAreCountedEachTime) {
  for (const std::string& leaf : {std::string("x"), std::string(10000, 'y')}) {
    std::string card = "---\na0: &a0 " + leaf + "\n";
    for (int level = 1; level <= 9; ++level) {
      card += absl::StrCat("a", level, ": &a", level, " [");
      for (int i = 0; i < 10; ++i) card += absl::StrCat("*a", level - 1, ",");
      card += "]\n";
    }
    const auto parsed = ParseModelCard(card + "---\n");
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(parsed.status().message()),
                ::testing::HasSubstr("aliases counted each time"));
  }
  const auto itself =
      ParseModelCard("---\ntags: &x [*x,*x,*x,*x,*x,*x,*x,*x,*x]\n---\n");
  EXPECT_FALSE(itself.ok());
  const auto once = ParseModelCard("---\nx: &x [a, b]\ntags: *x\n---\n");
  ASSERT_TRUE(once.ok());
  EXPECT_EQ((*once)["tags"], json::array({"a", "b"}));
}

}  // namespace
}  // namespace converters
