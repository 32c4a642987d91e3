#include "tools/reporter.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace make_gguf {
namespace {

std::chrono::milliseconds Interval(ReportMode mode) {
  if (mode == ReportMode::kBar) return std::chrono::milliseconds(200);
  return std::chrono::seconds(mode == ReportMode::kJson ? 1 : 5);
}

}  // namespace

absl::StatusOr<ReportMode> ParseReportMode(absl::string_view name,
                                           FILE* stream) {
  if (name == "auto") {
    return isatty(fileno(stream)) ? ReportMode::kBar : ReportMode::kLines;
  }
  if (name == "bar") return ReportMode::kBar;
  if (name == "plain") return ReportMode::kLines;
  if (name == "json") return ReportMode::kJson;
  if (name == "none") return ReportMode::kNone;
  return absl::InvalidArgumentError("it is auto, bar, plain, json or none");
}

void Reporter::Say(const Event& event) {
  if (event.text.empty()) return;
  if (mode_ == ReportMode::kJson) {
    line_.SayVerbatim(event.json);
  } else {
    line_.Say(event.text);
  }
}

bool Reporter::IsTimeForProgress() {
  if (mode_ == ReportMode::kNone) return false;
  const Clock::time_point now = Clock::now();
  // A line right at the start would say nothing; a bar shows that there is one.
  if (!last_progress_.has_value() && mode_ != ReportMode::kBar) {
    last_progress_ = now;
  }
  if (last_progress_.has_value() && now - *last_progress_ < Interval(mode_)) {
    return false;
  }
  last_progress_ = now;
  return true;
}

}  // namespace make_gguf
