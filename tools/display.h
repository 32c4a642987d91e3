// File: tools/display.h
//
// Shows a running job to whom a Reporter speaks.

#ifndef TOOLS_DISPLAY_H_
#define TOOLS_DISPLAY_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "tools/engine/observer.h"
#include "tools/reporter.h"

namespace make_gguf {

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

// An observer of one job. Not thread-safe; it and the reporter outlive the job.
class Display {
 public:
  explicit Display(Reporter& reporter)
      : reporter_(reporter), start_(Clock::now()), last_time_(start_) {}
  ~Display() { reporter_.line().Clear(); }
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  Observer observer();

 private:
  using Clock = std::chrono::steady_clock;

  void Show(const JobProgress& progress);
  ProgressView View(const JobProgress& progress);

  Reporter& reporter_;
  const Clock::time_point start_;
  // Of the rates' window.
  Clock::time_point last_time_;
  uint64_t last_weights_ = 0, last_in_ = 0, last_out_ = 0;
  double weights_rate_ = 0, in_rate_ = 0, out_rate_ = 0;
};

}  // namespace make_gguf

#endif  // TOOLS_DISPLAY_H_
