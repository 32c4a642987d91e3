// File: base/testing/child_process.h
//
// A program that a test runs beside itself.

#ifndef BASE_TESTING_CHILD_PROCESS_H_
#define BASE_TESTING_CHILD_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace base {

struct ProcessResult {
  int exit_code = 0;  // 128 and the signal's number if a signal ended it
  std::string out;
  std::string err;
};

struct ProcessOptions {
  std::map<std::string, std::string> environment =
      {};                      // besides the test's own
  std::string directory = "";  // to work in; empty: the test's
  uint64_t file_limit = 0;     // bytes that a file may have; 0: no limit
  // Both outputs are appended to this file, and not taken in; empty: they are.
  std::string output = "";
};

// A running program. Killed, if it still runs, when the object ends.
class ChildProcess {
 public:
  // Starts `arguments[0]` with the others. Exit code 127 if that can't be run.
  explicit ChildProcess(const std::vector<std::string>& arguments,
                        const ProcessOptions& options = {});
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void Signal(int signal);
  bool IsRunning();
  // As `kill -9`, and waits for its end.
  void Kill();
  ProcessResult Wait();

 private:
  pid_t pid_;
  int status_ = 0;
  bool ended_ = false;
  bool takes_output_;
  std::string out_path_, err_path_;
};

// Starts it and waits for its end.
ProcessResult RunProcess(const std::vector<std::string>& arguments,
                         const ProcessOptions& options = {});

// The full path of a program in PATH or in the usual directories for servers;
// empty if there is none.
std::string FindProgram(absl::string_view name);

}  // namespace base

#endif  // BASE_TESTING_CHILD_PROCESS_H_
