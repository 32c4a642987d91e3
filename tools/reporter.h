// File: tools/reporter.h
//
// All that make_gguf says on standard error, from its first flag to its end: as
// lines for people, or, for programs, as lines of JSON, each an object whose
// "event" says what it is.

#ifndef TOOLS_REPORTER_H_
#define TOOLS_REPORTER_H_

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/status_line.h"

namespace make_gguf {

enum class ReportMode { kNone, kBar, kLines, kJson };

// The mode for --progress=`name`: "auto", "bar", "plain", "json" or "none";
// auto looks whether `stream` is a terminal.
absl::StatusOr<ReportMode> ParseReportMode(absl::string_view name,
                                           FILE* stream);

// One thing that is said, in both languages. Lines without their ends.
struct Event {
  std::string text;
  std::string json;
};

// Thread-safe.
class Reporter {
 public:
  // `stream` outlives it.
  Reporter(ReportMode mode, FILE* stream)
      : mode_(mode), line_(stream, mode == ReportMode::kBar) {}

  ReportMode mode() const { return mode_; }
  // Where a person sees lines and, on a terminal, the progress below them.
  base::StatusLine& line() { return line_; }

  // Says it on a line of its own, in the mode kNone too; nothing if it has no
  // text. What is in it of files and servers is made printable.
  void Say(const Event& event);

  // Whether this mode shows progress, and it is time to do so again. Not
  // thread-safe.
  bool IsTimeForProgress();

 private:
  using Clock = std::chrono::steady_clock;

  const ReportMode mode_;
  std::optional<Clock::time_point> last_progress_;
  base::StatusLine line_;
};

}  // namespace make_gguf

#endif  // TOOLS_REPORTER_H_
