// File: fetch/progress_display.h
//
// Shows a download to a person: one line that is rewritten on a terminal, a
// line every few seconds elsewhere.

#ifndef FETCH_PROGRESS_DISPLAY_H_
#define FETCH_PROGRESS_DISPLAY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/status_line.h"
#include "fetch/observer.h"

namespace fetch {

// "[####....]  41% of 2.5 GiB  12.3 MiB/s  01:20 left  2 of 7 files
//  model-00001-of-00002.safetensors 12%, model-00002-of-00002.safetensors 3%":
// one line, with a bar of `bar_width` characters if that is not 0.
std::string FormatProgress(const FetchProgress& progress, int bar_width);

// Not thread-safe.
class ProgressDisplay {
 public:
  // Shows it as the status of `line`, which outlives this.
  explicit ProgressDisplay(base::StatusLine& line) : line_(line) {}
  ~ProgressDisplay() { line_.Clear(); }
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // Of one download. Each large file gets a line of its own when it is
  // complete.
  void Show(const FetchProgress& progress);

 private:
  void AnnounceComplete(const FetchProgress& progress);

  base::StatusLine& line_;
  absl::Time last_line_ = absl::InfinitePast();
  std::vector<bool> announced_;  // of the files, once there is progress
};

}  // namespace fetch

#endif  // FETCH_PROGRESS_DISPLAY_H_
