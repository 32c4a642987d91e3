// File: tools/display.h
//
// Shows a running job: a bar on a terminal, plain lines elsewhere, JSON lines
// for programs.

#ifndef TOOLS_DISPLAY_H_
#define TOOLS_DISPLAY_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tools/engine/progress.h"
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

// Shows `progress` and events from its making until Finish, from a thread of
// its own.
class Display {
 public:
  // `tensor_name` gives the name of the tensor with a number. Everything given
  // outlives the display.
  Display(DisplayMode mode, FILE* stream, const Progress& progress,
          uint64_t weights_total,
          std::function<std::string(size_t)> tensor_name);
  ~Display();

  // Shows an event on a line of its own; nothing if it has no text. As JSON in
  // the mode kJson, else as text, even in the mode kNone. Thread-safe.
  void Show(const Event& event);
  // Shows the progress now, not only when it is time.
  void ShowProgressNow();
  // Ends it; a bar is removed.
  void Finish();

 private:
  void Run();
  void ShowProgress() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ProgressView View();

  const DisplayMode mode_;
  FILE* const stream_;
  const Progress& progress_;
  const uint64_t weights_total_;
  const std::function<std::string(size_t)> tensor_name_;
  const absl::Time start_;
  // Of the rates' window, used by the showing thread only.
  absl::Time last_time_;
  uint64_t last_weights_ = 0, last_in_ = 0, last_out_ = 0;
  double weights_rate_ = 0, in_rate_ = 0, out_rate_ = 0;

  absl::Mutex mutex_;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace make_gguf

#endif  // TOOLS_DISPLAY_H_
