#include "base/testing/child_process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/testing/temp_dir.h"
#include "gtest/gtest.h"

namespace base {
namespace {

std::string TemporaryFile() {
  std::string path = ::testing::TempDir() + "/output.XXXXXX";
  close(mkstemp(path.data()));
  return path;
}

std::string TakeFile(const std::string& path) {
  std::string contents = Contents(path);
  std::filesystem::remove(path);
  return contents;
}

// Does not return.
void Become(std::vector<char*> arguments, const ProcessOptions& options,
            const std::string& out, const std::string& err) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND;
  dup2(open(out.c_str(), kFlags, 0644), STDOUT_FILENO);
  dup2(open(err.c_str(), kFlags, 0644), STDERR_FILENO);
  for (const auto& [name, value] : options.environment) {
    setenv(name.c_str(), value.c_str(), 1);
  }
  if (options.file_limit > 0) {
    const rlimit limit = {options.file_limit, options.file_limit};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  if (!options.directory.empty() && chdir(options.directory.c_str()) != 0) {
    _exit(126);
  }
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments,
                           const ProcessOptions& options)
    : takes_output_(options.output.empty()),
      out_path_(takes_output_ ? TemporaryFile() : options.output),
      err_path_(takes_output_ ? TemporaryFile() : options.output) {
  // Absolute, for it may start in another directory.
  std::vector<std::string> copies = arguments;
  copies[0] = std::filesystem::absolute(copies[0]).string();
  std::vector<char*> pointers;
  for (std::string& argument : copies) pointers.push_back(argument.data());
  pid_ = fork();
  if (pid_ < 0) std::abort();
  if (pid_ == 0) Become(std::move(pointers), options, out_path_, err_path_);
}

ChildProcess::~ChildProcess() { Kill(); }

void ChildProcess::Signal(int signal) {
  if (!ended_) kill(pid_, signal);
}

bool ChildProcess::IsRunning() {
  if (!ended_) ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
  return !ended_;
}

void ChildProcess::Kill() {
  if (!IsRunning()) return;
  Signal(SIGKILL);
  Wait();
}

ProcessResult ChildProcess::Wait() {
  if (!ended_) ended_ = waitpid(pid_, &status_, 0) == pid_;
  ProcessResult result;
  result.exit_code =
      WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  if (!takes_output_) return result;
  result.out = TakeFile(out_path_);
  result.err = TakeFile(err_path_);
  return result;
}

ProcessResult RunProcess(const std::vector<std::string>& arguments,
                         const ProcessOptions& options) {
  return ChildProcess(arguments, options).Wait();
}

std::string FindProgram(absl::string_view name) {
  const char* path = std::getenv("PATH");
  const std::string directories =
      absl::StrCat(path == nullptr ? "" : path,
                   ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin");
  for (absl::string_view directory : absl::StrSplit(directories, ':')) {
    const std::string program = absl::StrCat(directory, "/", name);
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return "";
}

}  // namespace base
