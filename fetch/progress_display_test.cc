#include "fetch/progress_display.h"

#include "absl/time/time.h"
#include "fetch/observer.h"
#include "fetch/progress_reporter.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

TEST(ProgressDisplayTest, Bytes) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1500), "1.5 kB");
  EXPECT_EQ(FormatBytes(2.5e9), "2.5 GB");
}

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
  EXPECT_EQ(FormatProgress(seen),
            "40.0% of 10.0 kB, 1.5 kB/s, 4s left; 1 of 2 files; "
            "model.safetensors 33%");
  // A file that starts over takes its bytes back.
  reporter.SetDone(1, 0, false);
  reporter.Tick(3000, 8, start + absl::Seconds(3), true);
  EXPECT_EQ(seen.done_bytes, 1000);
}

}  // namespace
}  // namespace fetch
