// File: base/status_line.h
//
// Lines for a person who watches, and below them one that changes.

#ifndef BASE_STATUS_LINE_H_
#define BASE_STATUS_LINE_H_

#include <cstdio>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace base {

// Thread-safe.
class StatusLine {
 public:
  // `out` outlives it. With `rewrites` the status is rewritten in its place,
  // for terminals; without, each status is a line like others.
  StatusLine(FILE* out, bool rewrites) : out_(out), rewrites_(rewrites) {}
  ~StatusLine() { Clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  // A line of its own, above the status, or several, of which all but the first
  // are indented. Whatever else may be in it of files and servers, control
  // characters are written as escapes (Printable).
  void Say(absl::string_view text);
  // The same of a line for programs: left as it is.
  void SayVerbatim(absl::string_view line);
  // Replaces the status; escaped as what Say says. What is too long for the
  // terminal is cut.
  void Show(absl::string_view status);
  // Leaves no status behind.
  void Clear();

  bool rewrites() const { return rewrites_; }
  // Characters in a line of the terminal; 80 if it doesn't say.
  int columns() const;

 private:
  void ClearLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  FILE* const out_;
  const bool rewrites_;
  absl::Mutex mutex_;
  bool shown_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace base

#endif  // BASE_STATUS_LINE_H_
