#include "converters/json_file.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using ::testing::HasSubstr;

std::string Write(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(ReadJsonFileTest, ReadsAFile) {
  const auto json = ReadJsonFile(Write("a.json", "{\"a\": [1, \"]\\\"[\"]}"));
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["a"][0], 1);
}

TEST(ReadJsonFileTest, ErrorsSayWhatIsWrong) {
  EXPECT_TRUE(absl::IsNotFound(
      ReadJsonFile(::testing::TempDir() + "/none.json").status()));
  EXPECT_TRUE(
      absl::IsFailedPrecondition(ReadJsonFile(::testing::TempDir()).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      ReadJsonFile(Write("b.json", "[1, 2, 3]"), 5).status()));
  for (const char* text :
       {"", "{", "{\"a\": NaN}", "[1,]", "\"\xff\"", "1e400"}) {
    EXPECT_TRUE(absl::IsDataLoss(ReadJsonFile(Write("c.json", text)).status()))
        << text;
  }
}

TEST(ReadJsonFileTest, ErrorsNameThePlaceAndQuoteLittle) {
  const std::string long_value(1 << 20, 'x');
  const absl::Status status =
      ReadJsonFile(Write("e.json", "{\n  \"a\": \"" + long_value)).status();
  EXPECT_THAT(status.message(), HasSubstr("e.json: not valid JSON"));
  EXPECT_THAT(status.message(), HasSubstr("line 2, column "));
  EXPECT_LT(status.message().size(), 1000);
}

TEST(ReadJsonFileTest, DeepNestingIsRefusedBeforeItIsParsed) {
  EXPECT_TRUE(absl::IsDataLoss(
      ReadJsonFile(Write("d.json", std::string(1000000, '['))).status()));
}

}  // namespace
}  // namespace converters
