#include "tools/display.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace make_gguf {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
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
            " 50%  25.0 M weights/s  in 0.05 out 0.02 GB/s  1:02:05 left"
            "  blk.0.ffn_up.weight");
}

TEST(DisplayTest, BarIsAsLongAsTheShareDone) {
  EXPECT_THAT(ProgressLine(HalfDone(), 8), StartsWith("[####....]  50%"));
}

TEST(DisplayTest, BarLineFitsTheTerminal) {
  for (const int columns : {20, 60, 80, 100, 200}) {
    const std::string line = BarLine(HalfDone(), columns);
    EXPECT_LT(line.size(), columns);
    EXPECT_THAT(line, StartsWith("[####"));
  }
  EXPECT_THAT(BarLine(HalfDone(), 200),
              HasSubstr("[###############...............]  50%"));
  EXPECT_THAT(BarLine(HalfDone(), 200), HasSubstr("  blk.0.ffn_up.weight"));
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
  EXPECT_EQ(json["event"], "progress");
  EXPECT_EQ(json["weights_done"], 500);
  EXPECT_EQ(json["weights_total"], 1000);
  EXPECT_EQ(json["tensor"], "blk.0.ffn_up.weight");
}

TEST(DisplayTest, ModesHaveNames) {
  EXPECT_EQ(*ParseDisplayMode("json", stderr), DisplayMode::kJson);
  EXPECT_EQ(*ParseDisplayMode("none", stderr), DisplayMode::kNone);
  EXPECT_FALSE(ParseDisplayMode("fancy", stderr).ok());
}

// What a display writes to its stream.
class DisplayStreamTest : public testing::Test {
 protected:
  std::string Written(DisplayMode mode) {
    const std::string path = testing::TempDir() + "/progress";
    FILE* stream = fopen(path.c_str(), "w");
    Display display(mode, stream);
    const Observer observer = display.JobObserver();
    observer.warning({"some-code", "careful"});
    display.Show(Event{});
    JobProgress progress;
    progress.weights_total = progress.weights_done = 1000;
    observer.progress(progress);  // not yet: it is not time
    progress.syncing = true;
    observer.progress(progress);
    display.Finish();
    fclose(stream);
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
};

TEST_F(DisplayStreamTest, EveryLineIsJsonForPrograms) {
  const std::vector<std::string> lines =
      absl::StrSplit(Written(DisplayMode::kJson), '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2);
  const auto warning = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(warning["event"], "warning");
  EXPECT_EQ(warning["code"], "some-code");
  EXPECT_EQ(warning["message"], "careful");
  const auto last = nlohmann::json::parse(lines[1]);
  EXPECT_EQ(last["event"], "progress");
  EXPECT_EQ(last["weights_done"], 1000);
}

TEST_F(DisplayStreamTest, PlainLinesAreOnTheirOwn) {
  EXPECT_THAT(Written(DisplayMode::kLines),
              AllOf(StartsWith("warning: careful [some-code]\n100%"),
                    EndsWith("  files go to disk\n")));
}

TEST_F(DisplayStreamTest, EventsReplaceTheBarAndNothingIsLeftOfIt) {
  EXPECT_THAT(Written(DisplayMode::kBar),
              AllOf(StartsWith("warning: careful [some-code]\n\r\033[K["),
                    EndsWith("files go to disk\r\033[K")));
}

TEST_F(DisplayStreamTest, EventsAreSaidEvenWithoutProgress) {
  EXPECT_EQ(Written(DisplayMode::kNone), "warning: careful [some-code]\n");
}

}  // namespace
}  // namespace make_gguf
