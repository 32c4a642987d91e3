// File: base/program.h
//
// How a program of ours begins, is stopped and ends.

#ifndef BASE_PROGRAM_H_
#define BASE_PROGRAM_H_

#include <atomic>

#include "absl/status/status.h"

namespace base {

// What main does first: no file of the program gets the number of a standard
// stream that it was started without; a write that no one reads or that is
// beyond a limit fails as any other write does; SIGINT and SIGTERM end it as
// is said below, unless it was started with them ignored.
void BeginProgram();

// The line, with its end, that the program says on standard error when a signal
// ends it at once: "stopped" if nothing else is set. Not copied.
void SetStopMessage(const char* line);

// While one lives, the first signal only sets `stop_requested`, and the program
// comes to an orderly end; the second ends it at once. At all other times the
// first does.
class OrderlyStop {
 public:
  OrderlyStop();
  ~OrderlyStop();
  OrderlyStop(const OrderlyStop&) = delete;
  OrderlyStop& operator=(const OrderlyStop&) = delete;
};

// Whether there was a signal.
extern const std::atomic<bool>& stop_requested;

// The exit code after a signal, as shells have it: 128 and the signal's number.
int StopExitCode();

// Brings what was printed to where standard output goes.
// Errors: what the system says if any of it was lost.
absl::Status FinishOutput();

}  // namespace base

#endif  // BASE_PROGRAM_H_
