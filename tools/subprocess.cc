#include "tools/subprocess.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace make_gguf {
namespace {

std::string TemporaryFile() {
  std::string path = testing::TempDir() + "/output.XXXXXX";
  close(mkstemp(path.data()));
  return path;
}

std::string TakeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content(std::istreambuf_iterator<char>(file), {});
  std::filesystem::remove(path);
  return content;
}

// Does not return.
void Become(std::vector<char*> arguments, const ProcessOptions& options,
            const std::string& out, const std::string& err) {
  dup2(open(out.c_str(), O_WRONLY), STDOUT_FILENO);
  dup2(open(err.c_str(), O_WRONLY), STDERR_FILENO);
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

Subprocess::Subprocess(const std::vector<std::string>& arguments,
                       const ProcessOptions& options)
    : out_path_(TemporaryFile()), err_path_(TemporaryFile()) {
  // Absolute, for it may start in another directory.
  std::vector<std::string> copies = arguments;
  copies[0] = std::filesystem::absolute(copies[0]).string();
  std::vector<char*> pointers;
  for (std::string& argument : copies) pointers.push_back(argument.data());
  pid_ = fork();
  if (pid_ == 0) Become(std::move(pointers), options, out_path_, err_path_);
}

Subprocess::~Subprocess() {
  if (!IsRunning()) return;
  Signal(SIGKILL);
  Wait();
}

void Subprocess::Signal(int signal) {
  if (!ended_) kill(pid_, signal);
}

bool Subprocess::IsRunning() {
  if (!ended_) ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
  return !ended_;
}

ProcessResult Subprocess::Wait() {
  if (!ended_) ended_ = waitpid(pid_, &status_, 0) == pid_;
  ProcessResult result;
  result.exit_code =
      WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  result.out = TakeFile(out_path_);
  result.err = TakeFile(err_path_);
  return result;
}

ProcessResult RunProcess(const std::vector<std::string>& arguments,
                         const ProcessOptions& options) {
  return Subprocess(arguments, options).Wait();
}

}  // namespace make_gguf
