#include "fetch/progress_display.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
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

std::string Bar(double percent, int width) {
  const int filled = static_cast<int>(percent * width / 100);
  return absl::StrCat("[", std::string(filled, '#'),
                      std::string(width - filled, '.'), "] ");
}

// "02:03", or "1:02:03".
std::string Clock(absl::Duration duration) {
  const int64_t seconds =
      absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1)));
  const std::string rest =
      absl::StrFormat("%02d:%02d", seconds / 60 % 60, seconds % 60);
  return seconds < 3600 ? rest : absl::StrCat(seconds / 3600, ":", rest);
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
    current.push_back(
        absl::StrFormat("%s %.0f%%", file.path, Percent(file.done, file.size)));
  }
  const std::string names = absl::StrJoin(current, ", ");
  return more == 0 ? names : absl::StrCat(names, " and ", more, " more");
}

}  // namespace

std::string FormatBytes(double bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? absl::StrFormat("%.0f B", bytes)
                   : absl::StrFormat("%.1f %s", bytes, kUnits[unit]);
}

std::string FormatProgress(const FetchProgress& progress, int bar_width) {
  const double percent = Percent(progress.done_bytes, progress.total_bytes);
  std::string text = bar_width > 0 ? Bar(percent, bar_width) : "";
  absl::StrAppendFormat(&text, "%3d%% of %s  %s/s", static_cast<int>(percent),
                        FormatBytes(static_cast<double>(progress.total_bytes)),
                        FormatBytes(progress.bytes_per_second));
  if (progress.time_left.has_value()) {
    absl::StrAppend(&text, "  ", Clock(*progress.time_left), " left");
  }
  const auto complete =
      std::count_if(progress.files.begin(), progress.files.end(),
                    [](const FileProgress& file) { return file.complete; });
  absl::StrAppend(&text, "  ", complete, " of ", progress.files.size(),
                  " files");
  const std::string current = CurrentFiles(progress);
  return current.empty() ? text : absl::StrCat(text, "  ", current);
}

ProgressDisplay::ProgressDisplay(FILE* out, bool is_terminal)
    : out_(out), is_terminal_(is_terminal) {}

ProgressDisplay::~ProgressDisplay() { ClearLine(); }

void ProgressDisplay::ClearLine() {
  if (!line_open_) return;
  std::fputs("\r\033[K", out_);
  std::fflush(out_);
  line_open_ = false;
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
    Notice(absl::StrCat(file.path, ": ",
                        FormatBytes(static_cast<double>(file.size)),
                        ", complete and verified"));
  }
}

void ProgressDisplay::Show(const FetchProgress& progress) {
  AnnounceComplete(progress);
  if (is_terminal_) {
    // Cut rather than wrapped: a wrapped line could not be rewritten.
    absl::FPrintF(out_, "\r\033[K\033[?7l%s\033[?7h",
                  FormatProgress(progress, kBarWidth));
    std::fflush(out_);
    line_open_ = true;
    return;
  }
  const absl::Time now = absl::Now();
  if (last_line_ == absl::InfinitePast()) last_line_ = now;
  if (now - last_line_ < kLineEvery) return;
  last_line_ = now;
  absl::FPrintF(out_, "%s\n", FormatProgress(progress, 0));
  std::fflush(out_);
}

void ProgressDisplay::Notice(absl::string_view line) {
  ClearLine();
  absl::FPrintF(out_, "%s\n", line);
}

}  // namespace fetch
