#include "tools/display.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace make_gguf {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

ProgressView HalfDone() {
  ProgressView view;
  view.weights_done = 500;
  view.weights_total = 1000;
  view.seconds = 2;
  view.weights_per_second = 25e6;
  view.bytes_in_per_second = 5e7;
  view.bytes_out_per_second = 2e7;
  view.seconds_left = 3725;
  view.tensor = "blk.0.ffn_up.weight";
  return view;
}

TEST(DisplayTest, LineSaysHowFarAndHowFast) {
  EXPECT_EQ(ProgressLine(HalfDone(), 0),
            " 50%  25.0 M weights/s  in 0.05 GB/s  out 0.02 GB/s  1:02:05 left"
            "  blk.0.ffn_up.weight");
}

TEST(DisplayTest, BarIsAsLongAsTheShareDone) {
  EXPECT_THAT(ProgressLine(HalfDone(), 8), StartsWith("[####....]  50%"));
}

TEST(DisplayTest, UnknownTimeIsLeftOut) {
  ProgressView view = HalfDone();
  view.seconds_left.reset();
  EXPECT_THAT(ProgressLine(view, 0), Not(HasSubstr("left")));
  EXPECT_TRUE(
      nlohmann::json::parse(ProgressJson(view))["seconds_left"].is_null());
}

TEST(DisplayTest, JsonHoldsTheNumbers) {
  const nlohmann::json json = nlohmann::json::parse(ProgressJson(HalfDone()));
  EXPECT_EQ(json["weights_done"], 500);
  EXPECT_EQ(json["weights_total"], 1000);
  EXPECT_EQ(json["tensor"], "blk.0.ffn_up.weight");
}

TEST(DisplayTest, ModesHaveNames) {
  EXPECT_EQ(*ParseDisplayMode("json", stderr), DisplayMode::kJson);
  EXPECT_EQ(*ParseDisplayMode("none", stderr), DisplayMode::kNone);
  EXPECT_FALSE(ParseDisplayMode("fancy", stderr).ok());
}

TEST(DisplayTest, JsonLinesEndWithTheLastState) {
  std::string path = testing::TempDir() + "/progress";
  FILE* stream = fopen(path.c_str(), "w+");
  Progress progress;
  progress.weights_done = 1000;
  Display display(DisplayMode::kJson, stream, progress, 1000,
                  [](size_t) { return std::string("t"); });
  display.Finish();
  char line[1000] = {};
  fseek(stream, 0, SEEK_SET);
  ASSERT_NE(fgets(line, sizeof(line), stream), nullptr);
  EXPECT_EQ(nlohmann::json::parse(line)["weights_done"], 1000);
  fclose(stream);
}

}  // namespace
}  // namespace make_gguf
