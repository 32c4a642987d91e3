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
#include "tools/events.h"

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
  view.bytes_in_per_second = 5 << 20;
  view.bytes_out_per_second = 2 << 10;
  view.seconds_left = 3725;
  view.tensor = "blk.0.ffn_up.weight";
  return view;
}

TEST(ProgressViewTest, LineSaysHowFarAndHowFast) {
  EXPECT_EQ(ProgressLine(HalfDone(), 0),
            " 50%  25.0 M weights/s  in 5.0 MiB/s out 2.0 KiB/s  1:02:05 left"
            "  blk.0.ffn_up.weight");
}

TEST(ProgressViewTest, BarIsAsLongAsTheShareDone) {
  EXPECT_THAT(ProgressLine(HalfDone(), 8), StartsWith("[####....]  50%"));
}

TEST(ProgressViewTest, BarLineFitsTheTerminal) {
  for (const int columns : {20, 60, 80, 100, 200}) {
    const std::string line = BarLine(HalfDone(), columns);
    EXPECT_LT(line.size(), columns);
    EXPECT_THAT(line, StartsWith("[####"));
  }
  EXPECT_THAT(BarLine(HalfDone(), 200),
              HasSubstr("[###############...............]  50%"));
  EXPECT_THAT(BarLine(HalfDone(), 200), HasSubstr("  blk.0.ffn_up.weight"));
}

TEST(ProgressViewTest, UnknownTimeIsLeftOut) {
  ProgressView view = HalfDone();
  view.seconds_left.reset();
  EXPECT_THAT(ProgressLine(view, 0), Not(HasSubstr("left")));
  EXPECT_TRUE(
      nlohmann::json::parse(ProgressJson(view))["seconds_left"].is_null());
}

TEST(ProgressViewTest, JsonHoldsTheNumbers) {
  const nlohmann::json json = nlohmann::json::parse(ProgressJson(HalfDone()));
  EXPECT_EQ(json["event"], "progress");
  EXPECT_EQ(json["weights_done"], 500);
  EXPECT_EQ(json["weights_total"], 1000);
  EXPECT_EQ(json["tensor"], "blk.0.ffn_up.weight");
}

TEST(ReporterTest, ModesHaveNames) {
  EXPECT_EQ(*ParseReportMode("json", stderr), ReportMode::kJson);
  EXPECT_EQ(*ParseReportMode("none", stderr), ReportMode::kNone);
  EXPECT_FALSE(ParseReportMode("fancy", stderr).ok());
}

// What is written of a job with a warning and two states of progress.
class DisplayTest : public testing::Test {
 protected:
  std::string Written(ReportMode mode) {
    const std::string path = testing::TempDir() + "/progress";
    FILE* stream = fopen(path.c_str(), "w");
    {
      Reporter reporter(mode, stream);
      Display display(reporter);
      const Observer observer = display.observer();
      observer.progress({.weights_total = 1000, .tensor = "first"});
      observer.warning({"some-code", "care\x1b[31mful"});
      observer.progress({.weights_total = 1000,
                         .weights_done = 1000,
                         .tensor = "last",
                         .syncing = true});
    }
    fclose(stream);
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
};

TEST_F(DisplayTest, EveryLineIsJsonForPrograms) {
  const std::vector<std::string> lines =
      absl::StrSplit(Written(ReportMode::kJson), '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2);
  const auto warning = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(warning["event"], "warning");
  EXPECT_EQ(warning["code"], "some-code");
  EXPECT_EQ(warning["message"], "care\x1b[31mful");
  const auto last = nlohmann::json::parse(lines[1]);
  EXPECT_EQ(last["event"], "progress");
  EXPECT_EQ(last["weights_done"], 1000);
}

TEST_F(DisplayTest, PlainLinesAreOnTheirOwn) {
  EXPECT_THAT(Written(ReportMode::kLines),
              AllOf(StartsWith("warning: care\\x1b[31mful [some-code]\n100%"),
                    EndsWith("  files go to disk\n")));
}

TEST_F(DisplayTest, EventsReplaceTheBarAndNothingIsLeftOfIt) {
  EXPECT_THAT(Written(ReportMode::kBar),
              AllOf(StartsWith("\033[?7l[........"),
                    HasSubstr("  first\033[?7h\r\033[K"
                              "warning: care\\x1b[31mful "),
                    EndsWith("\033[?7h\r\033[K")));
}

TEST_F(DisplayTest, EventsAreSaidEvenWithoutProgress) {
  EXPECT_EQ(Written(ReportMode::kNone),
            "warning: care\\x1b[31mful [some-code]\n");
}

}  // namespace
}  // namespace make_gguf
