#include "base/json.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/testing/temp_dir.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace base {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Json Parse(absl::string_view text) {
  const absl::StatusOr<Json> value = ParseJson(text, "a.json");
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? *value : Json();
}

std::string Error(absl::string_view text,
                  const JsonLimits& limits = kSmallJson) {
  const absl::StatusOr<Json> value = ParseJson(text, "a.json", limits);
  EXPECT_TRUE(absl::IsDataLoss(value.status())) << text;
  return std::string(value.status().message());
}

TEST(ParseJsonTest, EveryKindOfValue) {
  EXPECT_EQ(Parse(" {\"a\" : [ 1 , -2, 0.5 , \"x\", true,false,null , {} ,[]]}"
                  "\r\n\t"),
            Json({{"a",
                   {1, -2, 0.5, "x", true, false, nullptr, Json::object(),
                    Json::array()}}}));
  EXPECT_EQ(Parse("\"top\""), "top");
}

TEST(ParseJsonTest, Numbers) {
  EXPECT_TRUE(Parse("18446744073709551615").is_number_unsigned());
  EXPECT_EQ(Parse("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(Parse("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(Parse("-0"), 0);
  EXPECT_EQ(Parse("1e3"), 1000.0);
  EXPECT_TRUE(Parse("1.0").is_number_float());
  // Rounded to the nearest double: 2^53 + 1 lies between two.
  EXPECT_EQ(Parse("9007199254740993.0").get<double>(), 9007199254740992.0);
  EXPECT_EQ(Parse("1.5e-05").get<double>(), 1.5e-05);
  EXPECT_EQ(Parse("5e-324").get<double>(), 5e-324);
  EXPECT_EQ(Parse("1e-400").get<double>(), 0.0);
}

// What Python reads and writes, but no JSON is.
TEST(ParseJsonTest, NumbersThatOnlyPythonTakes) {
  const Json limits = Parse("{\"time_step_limit\": [0.0, Infinity]}");
  EXPECT_EQ(limits["time_step_limit"][1],
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(Parse("-Infinity"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(Parse("[NaN]")[0].get<double>()));
  EXPECT_EQ(Parse("1e400"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(Parse("-1e400"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(Parse("18446744073709551616").get<double>(),
            18446744073709551616.0);
  EXPECT_EQ(Parse("-9223372036854775809").get<double>(),
            -9223372036854775808.0);
}

TEST(ParseJsonTest, Strings) {
  EXPECT_EQ(Parse(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(Parse(R"("\u0041\u00e9\u20AC\ud83d\ude00")"), "Aé€😀");
  EXPECT_EQ(Parse("\"\\u0000\"").get<std::string>(), std::string(1, '\0'));
  EXPECT_EQ(Parse("\"\x7f\""), "\x7f");
}

TEST(ParseJsonTest, LoneSurrogates) {
  EXPECT_EQ(Parse(R"("a\ud800b\udc00")"), "a\uFFFDb\uFFFD");
  EXPECT_EQ(Parse(R"("\ud800\ud83d\ude00")"), "\uFFFD😀");
  EXPECT_THAT(Error(R"({"\ud800": 1, "\ud801": 2})"),
              HasSubstr("lone surrogate"));
}

TEST(ParseJsonTest, OfMembersWithOneNameTheLastCounts) {
  JsonOrder order;
  const auto value = ParseJson(R"({"a": {"x": 1}, "b": 2, "a": {"y": 3}})", "",
                               kSmallJson, &order);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, Json({{"a", {{"y", 3}}}, {"b", 2}}));
  EXPECT_THAT(order, ElementsAre(Pair("", ElementsAre("a", "b")),
                                 Pair("a", ElementsAre("y"))));
}

TEST(ParseJsonTest, OrderOfNames) {
  JsonOrder order;
  ASSERT_TRUE(ParseJson(R"({"z": {"y": 1, "x": {"q": 1}}, "l": [{"r": 1}],
                            "a": 0})",
                        "", kSmallJson, &order)
                  .ok());
  EXPECT_THAT(order, ElementsAre(Pair("", ElementsAre("z", "l", "a")),
                                 Pair("z", ElementsAre("y", "x"))));
}

TEST(ParseJsonTest, WhatPythonRefusesIsRefused) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "[1 2]",
                           "{\"a\" 1}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "\"\xff\"",
                           "\"\xed\xa0\x80\"",
                           "nul",
                           "nan",
                           "+1",
                           "01",
                           "1.",
                           ".5",
                           "1e",
                           "-",
                           "--1",
                           "-NaN",
                           "0x1",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12g4\"",
                           "\"\n\"",
                           "1 2",
                           "\xef\xbb\xbf{}",
                           "'a'",
                           "True",
                           "/* */ 1"}) {
    Error(text);
  }
  // Python stops there as well.
  EXPECT_FALSE(ParseJson(absl::string_view("1\0", 2), "").ok());
}

TEST(ParseJsonTest, ErrorsNameFilePlaceAndLittleElse) {
  EXPECT_EQ(Error("{\n  \"a\": tru}"),
            "a.json: not valid JSON: line 2, column 8: expected a value, found "
            "\"tru}\"; mend it or download it again");
  const std::string text =
      Error(absl::StrCat("{\"a\": \x1b[2J", std::string(1 << 20, 'x')));
  EXPECT_LT(text.size(), 300u);
  EXPECT_THAT(text, HasSubstr("\\x1b[2J"));
  EXPECT_THAT(Error("[\"\xff\"]"), HasSubstr("column 3: not valid UTF-8"));
  EXPECT_THAT(Error("\xef\xbb\xbf{}"), HasSubstr("byte order mark"));
}

std::string Nested(int depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(ParseJsonTest, DepthIsBounded) {
  EXPECT_TRUE(ParseJson(Nested(kMaxJsonDepth), "").ok());
  EXPECT_THAT(Error(Nested(kMaxJsonDepth + 2)), HasSubstr("nested deeper"));
  Error(std::string(1000000, '['));
  std::string objects;
  for (int i = 0; i < 1000; ++i) objects += "{\"a\":";
  Error(objects);
}

// Of each kind of value as many as its text allows.
TEST(ParseJsonTest, MemoryIsBounded) {
  for (absl::string_view item :
       {"[]", "{}", "1", "\"\"", "{\"\":0}", "[0]", "[[],[]]"}) {
    std::string list = "[";
    while (list.size() < 8 << 20) absl::StrAppend(&list, item, ",");
    list.back() = ']';
    EXPECT_THAT(Error(list, {.bytes = 64 << 20, .memory = 8 << 20}),
                HasSubstr("more values than"))
        << item;
  }
  EXPECT_THAT(Error("[1, 2]", {.bytes = 5, .memory = 1000}),
              HasSubstr("6 bytes, expected at most 5"));
  EXPECT_THAT(Error(absl::StrCat("\"", std::string(2000, 'x'), "\""),
                    {.bytes = 1 << 20, .memory = 1000}),
              HasSubstr("more values than"));
}

TEST(ReadJsonFileTest, NamesTheFile) {
  const TempDir temp;
  WriteContents(temp / "a.json", "{\"a\": [1]}");
  const auto value = ReadJsonFile(temp / "a.json");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value, Json({{"a", Json::array({1})}}));
  WriteContents(temp / "b.json", "[1,]");
  const absl::Status status = ReadJsonFile(temp / "b.json").status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(status.message(), HasSubstr("b.json: not valid JSON: line 1"));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      ReadJsonFile(temp / "b.json", {.bytes = 3, .memory = 1000}).status()));
  EXPECT_TRUE(absl::IsNotFound(ReadJsonFile(temp / "c.json").status()));
}

TEST(MemberTest, ByNameAndType) {
  const Json object = {{"s", "text"}, {"i", -1},  {"u", 7},
                       {"b", false},  {"f", 1.0}, {"big", UINT64_MAX},
                       {"n", nullptr}};
  EXPECT_EQ(*StringMember(object, "s"), "text");
  EXPECT_EQ(StringMember(object, "i"), nullptr);
  EXPECT_EQ(IntegerMember(object, "i"), -1);
  EXPECT_EQ(IntegerMember(object, "big"), std::nullopt);
  EXPECT_EQ(IntegerMember(object, "f"), std::nullopt);
  EXPECT_EQ(UintMember(object, "u"), 7u);
  EXPECT_EQ(UintMember(object, "big"), UINT64_MAX);
  EXPECT_EQ(UintMember(object, "i"), std::nullopt);
  EXPECT_EQ(BoolMember(object, "b"), false);
  EXPECT_EQ(BoolMember(object, "u"), std::nullopt);
  EXPECT_TRUE(Member(object, "none").is_null());
  EXPECT_TRUE(Member(Json("text"), "s").is_null());
  EXPECT_EQ(StringMember(Json::array(), "s"), nullptr);
}

TEST(IsTruthyTest, AsPython) {
  for (const Json& value : {Json(), Json(false), Json(0), Json(0.0), Json(""),
                            Json::array(), Json::object()}) {
    EXPECT_FALSE(IsTruthy(value)) << value;
  }
  for (const Json& value : {Json(true), Json(-1), Json(0.5), Json("0"),
                            Json({0}), Json({{"", nullptr}}),
                            Json(std::numeric_limits<double>::quiet_NaN())}) {
    EXPECT_TRUE(IsTruthy(value)) << value;
  }
}

TEST(ShowJsonTest, ShortAndPrintable) {
  EXPECT_EQ(ShowJson({1, "a"}), "[1,\"a\"]");
  EXPECT_EQ(ShowJson("\x1b[2J\n\x7f"), R"("\u001b[2J\n\u007f")");
  EXPECT_EQ(ShowJson("\u009b"), R"("\u009b")");
  EXPECT_EQ(ShowJson(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(ShowJson(Json(std::vector<int>(1000, 1))), "a list of 1000 values");
  EXPECT_EQ(ShowJson(std::string(1000, 'x')).size(), 60u);
}

}  // namespace
}  // namespace base
