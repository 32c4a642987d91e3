// File: fetch/testing/child_process.h
//
// A program that a test runs beside itself.

#ifndef FETCH_TESTING_CHILD_PROCESS_H_
#define FETCH_TESTING_CHILD_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fetch::testing {

class ChildProcess {
 public:
  // Runs `arguments[0]` with these NAME=VALUE added to the environment, its
  // output going to the file `output`. Aborts if it cannot be run.
  ChildProcess(const std::vector<std::string>& arguments,
               const std::vector<std::string>& environment,
               const std::string& output);
  ~ChildProcess();  // kills it
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  bool IsRunning();
  // As `kill -9`, and waits for its end.
  void Kill();
  // Waits for its end; its exit code, or minus the signal that ended it.
  int Wait();

 private:
  pid_t pid_;
  bool ended_ = false;
  int code_ = 0;
};

// The full path of a program in PATH or in the usual directories for servers;
// empty if there is none.
std::string FindProgram(absl::string_view name);

}  // namespace fetch::testing

#endif  // FETCH_TESTING_CHILD_PROCESS_H_
