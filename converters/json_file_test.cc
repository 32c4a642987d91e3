#include "converters/json_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using ::testing::HasSubstr;

std::string Path(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

std::string Write(const std::string& name, const std::string& text) {
  std::ofstream(Path(name), std::ios::binary) << text;
  return Path(name);
}

TEST(ReadJsonFileTest, ReadsAFile) {
  const auto json = ReadJsonFile(Write("a.json", "{\"a\": [1, \"]\\\"[\"]}"));
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["a"][0], 1);
}

TEST(ReadJsonFileTest, ErrorsSayWhatIsWrong) {
  EXPECT_TRUE(absl::IsFailedPrecondition(
      ReadJsonFile(Write("b.json", "[1, 2, 3]"), {.bytes = 5, .memory = 1000})
          .status()));
  const absl::Status status = ReadJsonFile(Write("c.json", "[1,]")).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(status.message(), HasSubstr("c.json: not valid JSON: line 1"));
}

// Only what is not there may count as absent.
TEST(ReadTextFileTest, NotFoundMeansThatNothingBearsTheName) {
  EXPECT_TRUE(absl::IsNotFound(ReadTextFile(Path("none")).status()));
  EXPECT_TRUE(
      absl::IsFailedPrecondition(ReadTextFile(::testing::TempDir()).status()));
  ASSERT_EQ(symlink("nowhere", Path("dangling").c_str()), 0);
  const absl::Status dangling = ReadTextFile(Path("dangling")).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(dangling)) << dangling;
  EXPECT_THAT(dangling.message(), HasSubstr("dangling: a link to a file"));
  ASSERT_EQ(symlink("loop", Path("loop").c_str()), 0);
  const absl::Status loop = ReadTextFile(Path("loop")).status();
  EXPECT_FALSE(loop.ok() || absl::IsNotFound(loop)) << loop;
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadTextFile(Path("fifo")).status()));
}

}  // namespace
}  // namespace converters
