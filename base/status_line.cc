#include "base/status_line.h"

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdio>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/printable.h"

namespace base {
namespace {

// Of a line, in bytes.
constexpr size_t kLongest = 1 << 16;

}  // namespace

void StatusLine::Say(absl::string_view text) {
  std::string lines;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const bool may_pass_for_another =
        !lines.empty() && !absl::StartsWith(line, " ");
    absl::StrAppend(&lines, lines.empty() ? "" : "\n",
                    may_pass_for_another ? "  " : "",
                    Printable(line, kLongest));
  }
  SayVerbatim(lines);
}

void StatusLine::SayVerbatim(absl::string_view line) {
  absl::MutexLock lock(&mutex_);
  ClearLocked();
  absl::FPrintF(out_, "%s\n", line);
  std::fflush(out_);
}

void StatusLine::Show(absl::string_view status) {
  absl::MutexLock lock(&mutex_);
  ClearLocked();
  // A wrapped line could not be rewritten.
  const std::string text = Printable(status, kLongest);
  if (rewrites_) {
    absl::FPrintF(out_, "\033[?7l%s\033[?7h", text);
  } else {
    absl::FPrintF(out_, "%s\n", text);
  }
  std::fflush(out_);
  shown_ = rewrites_;
}

void StatusLine::Clear() {
  absl::MutexLock lock(&mutex_);
  ClearLocked();
  std::fflush(out_);
}

void StatusLine::ClearLocked() {
  if (shown_) std::fputs("\r\033[K", out_);
  shown_ = false;
}

int StatusLine::columns() const {
  winsize size = {};
  const bool known =
      ioctl(fileno(out_), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace base
