#include "base/program.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/standard_descriptors.h"

namespace base {
namespace {

std::atomic<bool> requested{false};
std::atomic<bool> orderly{false};
std::atomic<int> stop_signal{0};
std::atomic<const char*> stop_message{"stopped\n"};

void HandleStop(int signal) {
  stop_signal = signal;
  if (!requested.exchange(true) && orderly) return;
  const char* message = stop_message;
  // Of a lost message there is nobody to tell.
  [[maybe_unused]] const auto written =
      write(STDERR_FILENO, message, std::strlen(message));
  std::_Exit(StopExitCode());
}

// A shell ignores SIGINT for what it runs in the background, nohup SIGHUP.
void HandleUnlessIgnored(int signal) {
  struct sigaction action = {};
  sigaction(signal, nullptr, &action);
  if (action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = HandleStop;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

}  // namespace

const std::atomic<bool>& stop_requested = requested;

void BeginProgram() {
  OpenStandardDescriptors();
  HandleUnlessIgnored(SIGINT);
  HandleUnlessIgnored(SIGTERM);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

void SetStopMessage(const char* line) { stop_message = line; }

OrderlyStop::OrderlyStop() { orderly = true; }
OrderlyStop::~OrderlyStop() { orderly = false; }

int StopExitCode() { return 128 + stop_signal; }

absl::Status FinishOutput() {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && std::ferror(stdout) == 0) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("standard output: what was printed is lost: ",
                   errno == 0 ? "a write failed" : std::strerror(errno)));
}

}  // namespace base
