// File: fetch/progress_display.h
//
// Shows a download to a person: one line that is rewritten on a terminal, a
// line every few seconds elsewhere.

#ifndef FETCH_PROGRESS_DISPLAY_H_
#define FETCH_PROGRESS_DISPLAY_H_

#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fetch/observer.h"

namespace fetch {

// "1.5 GB" and the like, by powers of 1000 as the hub's pages count.
std::string FormatBytes(double bytes);

// "41.3% of 2.5 GB, 12.3 MB/s, 1m20s left; 2 of 7 files; model.safetensors 12%"
std::string FormatProgress(const FetchProgress& progress);

class ProgressDisplay {
 public:
  // Writes to `out`, which must outlive this; `is_terminal` says of what kind
  // it is.
  ProgressDisplay(FILE* out, bool is_terminal);
  ~ProgressDisplay();  // ends the line
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  void Show(const FetchProgress& progress);
  // A line of its own, above the progress.
  void Notice(absl::string_view line);

 private:
  void ClearLine();

  FILE* const out_;
  const bool is_terminal_;
  bool line_open_ = false;
  absl::Time last_line_ = absl::InfinitePast();
};

}  // namespace fetch

#endif  // FETCH_PROGRESS_DISPLAY_H_
