#include "fetch/testing/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace fetch::testing {
namespace {

int CodeOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments,
                           const std::vector<std::string>& environment,
                           const std::string& output) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    envp.push_back(*variable);
  }
  for (const std::string& variable : environment) {
    envp.insert(envp.begin(), const_cast<char*>(variable.c_str()));
  }
  envp.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) std::abort();
  if (pid_ > 0) return;
  const int fd = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  execve(argv[0], argv.data(), envp.data());
  _exit(127);
}

ChildProcess::~ChildProcess() { Kill(); }

bool ChildProcess::IsRunning() {
  int status = 0;
  if (!ended_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    ended_ = true;
    code_ = CodeOf(status);
  }
  return !ended_;
}

void ChildProcess::Kill() {
  if (IsRunning()) kill(pid_, SIGKILL);
  Wait();
}

int ChildProcess::Wait() {
  int status = 0;
  if (!ended_ && waitpid(pid_, &status, 0) == pid_) {
    ended_ = true;
    code_ = CodeOf(status);
  }
  return code_;
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

}  // namespace fetch::testing
