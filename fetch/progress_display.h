// File: fetch/progress_display.h
//
// Shows a download to a person: one line that is rewritten on a terminal, a
// line every few seconds elsewhere.

#ifndef FETCH_PROGRESS_DISPLAY_H_
#define FETCH_PROGRESS_DISPLAY_H_

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fetch/observer.h"

namespace fetch {

// "1.5 GB" and the like, by powers of 1000 as the hub's pages count.
std::string FormatBytes(double bytes);

// "[####....]  41% of 2.5 GB  12.3 MB/s  01:20 left  2 of 7 files
//  model-00001-of-00002.safetensors 12%, model-00002-of-00002.safetensors 3%":
// one line, with a bar of `bar_width` characters if that is not 0.
std::string FormatProgress(const FetchProgress& progress, int bar_width);

// Not thread-safe.
class ProgressDisplay {
 public:
  // Writes to `out`, which must outlive this; `is_terminal` says of what kind
  // it is.
  ProgressDisplay(FILE* out, bool is_terminal);
  ~ProgressDisplay();  // ends the line
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // Of one download. Each large file gets a line of its own when it is
  // complete.
  void Show(const FetchProgress& progress);
  // A line of its own, above the progress.
  void Notice(absl::string_view line);

 private:
  void ClearLine();
  void AnnounceComplete(const FetchProgress& progress);

  FILE* const out_;
  const bool is_terminal_;
  bool line_open_ = false;
  absl::Time last_line_ = absl::InfinitePast();
  std::vector<bool> announced_;  // of the files, once there is progress
};

}  // namespace fetch

#endif  // FETCH_PROGRESS_DISPLAY_H_
