// File: tools/display.h
//
// Shows a running job: a bar on a terminal, plain lines elsewhere, JSON lines
// for programs.

#ifndef TOOLS_DISPLAY_H_
#define TOOLS_DISPLAY_H_

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tools/engine/observer.h"
#include "tools/events.h"

namespace make_gguf {

enum class DisplayMode { kNone, kBar, kLines, kJson };

// The mode for --progress=`name`: "auto", "bar", "plain", "json" or "none";
// auto looks whether `stream` is a terminal.
absl::StatusOr<DisplayMode> ParseDisplayMode(absl::string_view name,
                                             FILE* stream);

// The state of a job at one moment.
struct ProgressView {
  uint64_t weights_done = 0;
  uint64_t weights_total = 0;
  double seconds = 0;
  double weights_per_second = 0;
  double bytes_in_per_second = 0;
  double bytes_out_per_second = 0;
  std::optional<double> seconds_left;  // unknown before the first progress
  std::string tensor;
};

// One line for a person; with a bar of `bar_width` characters if that is not 0.
std::string ProgressLine(const ProgressView& view, int bar_width);
// The same with a bar, for a terminal of so many columns.
std::string BarLine(const ProgressView& view, int columns);
// One line of JSON: an event "progress".
std::string ProgressJson(const ProgressView& view);

// Shows events, and the progress when it is time. Not thread-safe: it is used
// by the thread that runs the job.
class Display {
 public:
  Display(DisplayMode mode, FILE* stream);
  ~Display() { Finish(); }
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  // Shows what a job does here. The display outlives it.
  Observer JobObserver();

  // Shows an event on a line of its own; nothing if it has no text. As JSON in
  // the mode kJson, else as text, even in the mode kNone.
  void Show(const Event& event);
  void ShowProgress(const JobProgress& progress);
  // Removes a bar.
  void Finish();

 private:
  ProgressView View(const JobProgress& progress, absl::Time now);

  const DisplayMode mode_;
  FILE* const stream_;
  const absl::Time start_;
  absl::Time last_time_;  // that the progress was shown
  uint64_t last_weights_ = 0, last_in_ = 0, last_out_ = 0;
  double weights_rate_ = 0, in_rate_ = 0, out_rate_ = 0;
  bool has_bar_ = false;
  bool syncing_ = false;
};

}  // namespace make_gguf

#endif  // TOOLS_DISPLAY_H_
