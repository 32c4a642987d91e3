#include "fetch/progress_display.h"

#include <cstdio>
#include <string>

#include "absl/time/time.h"
#include "base/status_line.h"
#include "fetch/observer.h"
#include "fetch/download/progress_reporter.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

TEST(ProgressDisplayTest, RateAndTimeLeftOfWhatTheReporterSaw) {
  FetchProgress seen;
  int reports = 0;
  ProgressReporter reporter({{"config.json", 1000, 1000, true},
                             {"model.safetensors", 9000, 0, false}},
                            [&](const FetchProgress& progress) {
                              seen = progress;
                              ++reports;
                            });
  const absl::Time start = absl::UnixEpoch();
  reporter.Tick(0, 1, start, false);
  reporter.SetDone(1, 3000, false);
  reporter.Tick(3000, 8, start + absl::Milliseconds(50), false);
  EXPECT_EQ(reports, 1);
  reporter.Tick(3000, 8, start + absl::Seconds(2), false);
  EXPECT_EQ(reports, 2);
  EXPECT_EQ(seen.done_bytes, 4000);
  EXPECT_EQ(seen.total_bytes, 10000);
  EXPECT_EQ(seen.open_connections, 8);
  EXPECT_EQ(FormatProgress(seen, 0),
            " 40% of 9.8 KiB  1.5 KiB/s  00:04 left  1 of 2 files  "
            "model.safetensors 33%");
  EXPECT_EQ(FormatProgress(seen, 10).substr(0, 18), "[####......]  40% ");
  // A file that starts over takes its bytes back.
  reporter.SetDone(1, 0, false);
  reporter.Tick(3000, 8, start + absl::Seconds(3), true);
  EXPECT_EQ(seen.done_bytes, 1000);
}

TEST(ProgressDisplayTest, ManyFilesUnderWay) {
  FetchProgress progress;
  progress.total_bytes = 500;
  progress.done_bytes = 5;
  for (const char* path : {"a", "b", "c", "d", "e"}) {
    progress.files.push_back({path, 100, 1, false});
  }
  progress.time_left = absl::Seconds(3723);
  EXPECT_EQ(FormatProgress(progress, 0),
            "  1% of 500 B  0 B/s  1:02:03 left  0 of 5 files  a 1%, b 1%, "
            "c 1% and 2 more");
}

// What a display wrote to a file in place of the terminal.
class WrittenTest : public ::testing::Test {
 protected:
  std::string Written() {
    std::string text(4096, '\0');
    std::rewind(out_);
    text.resize(std::fread(text.data(), 1, text.size(), out_));
    std::fclose(out_);
    return text;
  }

  FILE* out_ = std::tmpfile();
  FetchProgress progress_;
};

TEST_F(WrittenTest, LargeFilesHaveALineWhenTheyAreComplete) {
  {
    base::StatusLine line(out_, /*rewrites=*/false);
    ProgressDisplay display(line);
    progress_.files = {{"before", 20'000'000, 20'000'000, true},
                       {"large", 20'000'000, 0, false},
                       {"small", 1000, 0, false}};
    display.Show(progress_);
    progress_.files[1].complete = progress_.files[2].complete = true;
    display.Show(progress_);
    display.Show(progress_);
  }
  EXPECT_EQ(Written(), "large: 19.1 MiB, complete and verified\n");
}

TEST_F(WrittenTest, ATerminalsLineIsRewritten) {
  {
    base::StatusLine line(out_, /*rewrites=*/true);
    ProgressDisplay display(line);
    progress_.total_bytes = 4;
    progress_.done_bytes = 3;
    display.Show(progress_);
    line.Say("a notice");
  }
  EXPECT_EQ(Written(),
            "\033[?7l[###############.....]  75% of 4 B  0 B/s  0 of 0 "
            "files\033[?7h\r\033[Ka notice\n");
}

}  // namespace
}  // namespace fetch
