#include "fetch/progress_display.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/human_text.h"
#include "base/printable.h"
#include "base/status_line.h"
#include "base/steady_clock.h"
#include "fetch/observer.h"

namespace fetch {
namespace {

constexpr absl::Duration kLineEvery = absl::Seconds(5);
constexpr int kBarWidth = 20;
constexpr size_t kFilesShown = 3;
// Smaller files come and go too fast for lines of their own.
constexpr uint64_t kLargeFile = 10'000'000;

double Percent(uint64_t part, uint64_t whole) {
  return whole == 0
             ? 100
             : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

// The files that are under way.
std::string CurrentFiles(const FetchProgress& progress) {
  std::vector<std::string> current;
  size_t more = 0;
  for (const FileProgress& file : progress.files) {
    if (file.complete || file.done == 0) continue;
    if (current.size() == kFilesShown) {
      ++more;
      continue;
    }
    current.push_back(absl::StrFormat("%s %.0f%%", base::Printable(file.path),
                                      Percent(file.done, file.size)));
  }
  const std::string names = absl::StrJoin(current, ", ");
  return more == 0 ? names : absl::StrCat(names, " and ", more, " more");
}

}  // namespace

std::string FormatProgress(const FetchProgress& progress, int bar_width) {
  const double percent = Percent(progress.done_bytes, progress.total_bytes);
  std::string text =
      bar_width > 0 ? base::BarText(percent / 100, bar_width) : "";
  absl::StrAppendFormat(
      &text, "%3d%% of %s  %s/s", static_cast<int>(percent),
      base::BytesText(static_cast<double>(progress.total_bytes)),
      base::BytesText(progress.bytes_per_second));
  if (progress.time_left.has_value()) {
    absl::StrAppend(&text, "  ",
                    base::ClockText(absl::ToDoubleSeconds(*progress.time_left)),
                    " left");
  }
  const auto complete =
      std::count_if(progress.files.begin(), progress.files.end(),
                    [](const FileProgress& file) { return file.complete; });
  absl::StrAppend(&text, "  ", complete, " of ", progress.files.size(),
                  " files");
  const std::string current = CurrentFiles(progress);
  return current.empty() ? text : absl::StrCat(text, "  ", current);
}

void ProgressDisplay::AnnounceComplete(const FetchProgress& progress) {
  const bool first = announced_.empty();
  announced_.resize(progress.files.size());
  for (size_t i = 0; i < progress.files.size(); ++i) {
    const FileProgress& file = progress.files[i];
    if (!file.complete || announced_[i]) continue;
    announced_[i] = true;
    // What was there before is no news.
    if (first || file.size < kLargeFile) continue;
    line_.Say(absl::StrCat(file.path, ": ",
                           base::BytesText(static_cast<double>(file.size)),
                           ", complete and verified"));
  }
}

void ProgressDisplay::Show(const FetchProgress& progress) {
  AnnounceComplete(progress);
  if (line_.rewrites()) {
    line_.Show(FormatProgress(progress, kBarWidth));
    return;
  }
  const absl::Time now = base::SteadyNow();
  if (last_line_ == absl::InfinitePast()) last_line_ = now;
  if (now - last_line_ < kLineEvery) return;
  last_line_ = now;
  line_.Show(FormatProgress(progress, 0));
}

}  // namespace fetch
