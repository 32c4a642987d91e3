// File: tools/subprocess.h
//
// For tests: runs a program and takes in what it says.

#ifndef TOOLS_SUBPROCESS_H_
#define TOOLS_SUBPROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace make_gguf {

struct ProcessResult {
  int exit_code = 0;  // 128 and the signal's number if a signal ended it
  std::string out;
  std::string err;
};

struct ProcessOptions {
  std::map<std::string, std::string> environment;  // besides the test's own
  std::string directory;    // to work in; empty: the test's
  uint64_t file_limit = 0;  // bytes that a file may have; 0: no limit
};

// A running program. Killed, if it still runs, when the object ends.
class Subprocess {
 public:
  // Starts `arguments[0]` with the others.
  explicit Subprocess(const std::vector<std::string>& arguments,
                      const ProcessOptions& options = {});
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  void Signal(int signal);
  bool IsRunning();
  ProcessResult Wait();

 private:
  pid_t pid_;
  int status_ = 0;
  bool ended_ = false;
  std::string out_path_, err_path_;
};

// Starts it and waits for its end.
ProcessResult RunProcess(const std::vector<std::string>& arguments,
                         const ProcessOptions& options = {});

}  // namespace make_gguf

#endif  // TOOLS_SUBPROCESS_H_
