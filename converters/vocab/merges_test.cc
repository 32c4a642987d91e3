#include "converters/vocab/merges.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "converters/vocab/test_directory.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;

Json Pair(const char* left, const char* right) {
  return Json::array({left, right});
}

class MergesTest : public testing::Test {
 protected:
  absl::StatusOr<std::vector<std::string>> Load(const Json& merges) {
    return LoadMerges({{"model", {{"merges", merges}}}}, directory_.path(),
                      trained_);
  }

  // Loads, expects an error that has both texts.
  void ExpectError(const Json& merges, const std::string& what,
                   const std::string& where) {
    const absl::Status status = Load(merges).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << merges;
    EXPECT_TRUE(absl::StrContains(status.message(), what)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), where)) << status;
  }

  TestDirectory directory_;
  TokenIds trained_ = {{"a", 0},  {"b", 1},   {"ab", 2}, {" ", 3},
                       {"a ", 4}, {"ab ", 5}, {"##b", 6}};
};

TEST_F(MergesTest, BothSpellingsComeOutAlike) {
  const std::vector<std::string> expected = {"a b"};
  EXPECT_EQ(*Load(Json::array({"a b"})), expected);
  EXPECT_EQ(*Load(Json::array({Pair("a", "b")})), expected);
}

TEST_F(MergesTest, SpacesInsidePairsAreWrittenAsTheByteLevelSpace) {
  EXPECT_EQ(*Load(Json::array({Pair("a", " "), Pair("ab", " ")})),
            (std::vector<std::string>{"a Ġ", "ab Ġ"}));
}

TEST_F(MergesTest, ContinuingPrefixIsRemovedFromTheResult) {
  const Json tokenizer = {{"model",
                           {{"continuing_subword_prefix", "##"},
                            {"merges", Json::array({"a ##b"})}}}};
  EXPECT_EQ(*LoadMerges(tokenizer, directory_.path(), trained_),
            std::vector<std::string>{"a ##b"});
}

TEST_F(MergesTest, UnknownTokensAreNamed) {
  ExpectError(Json::array({"a b", "a x"}), "merge 1 (\"a\", \"x\")",
              "token \"x\"");
  ExpectError(Json::array({Pair("b", "a")}), "merge 0", "token \"ba\"");
}

TEST_F(MergesTest, WrongShapesAreNamed) {
  ExpectError(Json::array({"a b", "ab"}), "merge 1", "tokenizer.json");
  ExpectError(Json::array({"a b c"}), "merge 0", "expected two tokens");
  ExpectError(Json::array({Json::array({"a", "b", "ab"})}), "merge 0",
              "tokenizer.json");
  ExpectError(Json::array({1, 2}), "merge 0", "tokenizer.json");
  ExpectError("a b", "model.merges", "found string");
}

TEST_F(MergesTest, MergesTxtIsReadWhereTokenizerJsonHasNone) {
  directory_.Write("merges.txt", "#version: 0.2\r\n\r\na b\r\nab  \xC4\xA0\n");
  trained_["Ġ"] = 7;
  trained_["abĠ"] = 8;
  EXPECT_EQ(*Load(Json::array()), (std::vector<std::string>{"a b", "ab Ġ"}));
  EXPECT_EQ(*LoadMerges(Json(), directory_.path(), trained_),
            (std::vector<std::string>{"a b", "ab Ġ"}));
  // Only the first line can be a header.
  directory_.Write("merges.txt", "a b\n# b\n");
  ExpectError(Json::array(), "merges.txt", "token \"#\"");
  directory_.Write("merges.txt", "a \xFF\n");
  EXPECT_EQ(Load(Json::array()).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(MergesTest, NoneAnywhereIsAnEmptyList) {
  EXPECT_TRUE(LoadMerges(Json(), directory_.path(), trained_)->empty());
}

}  // namespace
}  // namespace vocab
