#include "fetch/progress_display.h"

#include <cstdio>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fetch/observer.h"

namespace fetch {
namespace {

constexpr absl::Duration kLineEvery = absl::Seconds(10);

double Percent(uint64_t part, uint64_t whole) {
  return whole == 0
             ? 100
             : 100 * static_cast<double>(part) / static_cast<double>(whole);
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

std::string FormatProgress(const FetchProgress& progress) {
  std::string text = absl::StrFormat(
      "%.1f%% of %s, %s/s", Percent(progress.done_bytes, progress.total_bytes),
      FormatBytes(static_cast<double>(progress.total_bytes)),
      FormatBytes(progress.bytes_per_second));
  if (progress.time_left.has_value()) {
    absl::StrAppend(
        &text, ", ",
        absl::FormatDuration(absl::Ceil(*progress.time_left, absl::Seconds(1))),
        " left");
  }
  int complete = 0;
  std::string current;
  for (const FileProgress& file : progress.files) {
    if (file.complete) {
      ++complete;
    } else if (current.empty() && file.done > 0) {
      current = absl::StrFormat("; %s %.0f%%", file.path,
                                Percent(file.done, file.size));
    }
  }
  absl::StrAppend(&text, "; ", complete, " of ", progress.files.size(),
                  " files", current);
  return text;
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

void ProgressDisplay::Show(const FetchProgress& progress) {
  if (is_terminal_) {
    // Cut rather than wrapped: a wrapped line could not be rewritten.
    absl::FPrintF(out_, "\r\033[K\033[?7l%s\033[?7h", FormatProgress(progress));
    std::fflush(out_);
    line_open_ = true;
    return;
  }
  const absl::Time now = absl::Now();
  if (last_line_ == absl::InfinitePast()) last_line_ = now;
  if (now - last_line_ < kLineEvery) return;
  last_line_ = now;
  absl::FPrintF(out_, "%s\n", FormatProgress(progress));
}

void ProgressDisplay::Notice(absl::string_view line) {
  ClearLine();
  absl::FPrintF(out_, "%s\n", line);
}

}  // namespace fetch
