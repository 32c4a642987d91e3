// Downloads a model repository from a Hugging Face hub, or what a conversion
// needs of it, and prints the directory it is in.

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "fetch/fetch.h"
#include "fetch/progress_display.h"

ABSL_FLAG(std::string, revision, "main",
          "branch, tag, commit or refs/pr/N to download");
ABSL_FLAG(std::vector<std::string>, include, {},
          "comma-separated shell patterns of files to download, instead of "
          "what a conversion needs");
ABSL_FLAG(std::vector<std::string>, exclude, {},
          "comma-separated shell patterns of files to leave out");
ABSL_FLAG(std::optional<std::string>, local_dir, std::nullopt,
          "put plain files into this directory instead of into the cache");
ABSL_FLAG(std::optional<std::string>, hf_home, std::nullopt,
          "holds the cache, hub/, and the stored token; default $HF_HOME, else "
          "~/.cache/huggingface");
ABSL_FLAG(std::optional<std::string>, cache_dir, std::nullopt,
          "the cache; default $HF_HUB_CACHE, else $HF_HOME/hub, else "
          "~/.cache/huggingface/hub");
ABSL_FLAG(std::optional<std::string>, endpoint, std::nullopt,
          "the hub or a mirror; default $HF_ENDPOINT, else "
          "https://huggingface.co");
ABSL_FLAG(std::optional<std::string>, token, std::nullopt,
          "access token; default $HF_TOKEN, else the stored one; empty for "
          "none. Others on this machine can see it in the process list; "
          "HF_TOKEN they cannot");
ABSL_FLAG(std::optional<std::string>, token_path, std::nullopt,
          "file with the access token; default $HF_TOKEN_PATH, else "
          "$HF_HOME/token");
ABSL_FLAG(std::optional<std::string>, proxy, std::nullopt,
          "http://[NAME:PASSWORD@]HOST:PORT; default $https_proxy and its kin; "
          "empty for none");
ABSL_FLAG(bool, offline, false,
          "use only what is on the disk, as $HF_HUB_OFFLINE=1 says as well");
ABSL_FLAG(bool, dry_run, false,
          "list the files and the bytes that are still to be fetched");
ABSL_FLAG(int, connections, 8, "connections at once, at most");
ABSL_FLAG(absl::Duration, stall_timeout, absl::Seconds(30),
          "give up and retry a connection that brings nothing for this long");
ABSL_FLAG(int, max_tries, 6,
          "tries of a request that bring nothing new before giving up");

namespace {

std::atomic<bool> interrupted{false};

// The first Ctrl-C ends in order, the second at once.
void OnInterrupt(int signal) {
  interrupted = true;
  std::signal(signal, SIG_DFL);
}

fetch::FetchOptions OptionsFromFlags(const std::string& repo_id) {
  fetch::FetchOptions options;
  options.repo_id = repo_id;
  options.revision = absl::GetFlag(FLAGS_revision);
  options.include = absl::GetFlag(FLAGS_include);
  options.exclude = absl::GetFlag(FLAGS_exclude);
  options.endpoint = absl::GetFlag(FLAGS_endpoint);
  options.token = absl::GetFlag(FLAGS_token);
  options.token_path = absl::GetFlag(FLAGS_token_path);
  options.proxy = absl::GetFlag(FLAGS_proxy);
  options.home = absl::GetFlag(FLAGS_hf_home);
  options.cache_dir = absl::GetFlag(FLAGS_cache_dir);
  if (absl::GetFlag(FLAGS_offline)) options.offline = true;
  options.local_dir = absl::GetFlag(FLAGS_local_dir);
  options.connections = absl::GetFlag(FLAGS_connections);
  options.stall_timeout = absl::GetFlag(FLAGS_stall_timeout);
  options.max_tries = absl::GetFlag(FLAGS_max_tries);
  return options;
}

void PrintPlan(const fetch::SnapshotPlan& plan) {
  for (const fetch::SnapshotFile& file : plan.files) {
    absl::PrintF("%12d to fetch of %12d  %s\n", file.bytes_to_fetch, file.size,
                 file.path);
  }
  absl::PrintF("%d of %d bytes (%s) to fetch, commit %s, into %s\n",
               plan.bytes_to_fetch, plan.total_bytes,
               fetch::FormatBytes(static_cast<double>(plan.bytes_to_fetch)),
               plan.commit, plan.directory);
}

absl::Status Run(const std::string& repo_id) {
  const fetch::FetchOptions options = OptionsFromFlags(repo_id);
  fetch::ProgressDisplay display(stderr, isatty(STDERR_FILENO) == 1);
  fetch::FetchObserver observer;
  observer.progress = [&display](const fetch::FetchProgress& progress) {
    display.Show(progress);
  };
  observer.notice = [&display](absl::string_view line) {
    display.Notice(line);
  };
  observer.cancelled = [] { return interrupted.load(); };
  if (absl::GetFlag(FLAGS_dry_run)) {
    const absl::StatusOr<fetch::SnapshotPlan> plan =
        fetch::PlanSnapshot(options, observer);
    if (plan.ok()) PrintPlan(*plan);
    return plan.status();
  }
  const absl::StatusOr<fetch::Snapshot> snapshot =
      fetch::FetchSnapshot(options, observer);
  if (!snapshot.ok()) return snapshot.status();
  display.Notice(absl::StrFormat(
      "%d files, %s, of which %s fetched now; commit %s",
      snapshot->files.size(),
      fetch::FormatBytes(static_cast<double>(snapshot->total_bytes)),
      fetch::FormatBytes(static_cast<double>(snapshot->received_bytes)),
      snapshot->commit));
  absl::PrintF("%s\n", snapshot->directory);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "hf_fetch ORG/NAME [flags]: downloads a model from a Hugging Face hub "
      "and prints its directory.\nAn interrupted download goes on where it "
      "stopped; every file is verified.");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() != 2) {
    absl::FPrintF(stderr, "usage: hf_fetch ORG/NAME [flags]; see --help\n");
    return 2;
  }
  // `bazel run` starts elsewhere; paths are meant from where the user is.
  const char* started_in = std::getenv("BUILD_WORKING_DIRECTORY");
  if (started_in != nullptr && chdir(started_in) != 0) {
    absl::FPrintF(stderr, "hf_fetch: cannot go to %s\n", started_in);
    return 1;
  }
  std::signal(SIGINT, OnInterrupt);
  std::signal(SIGTERM, OnInterrupt);
  const absl::Status status = Run(arguments[1]);
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "hf_fetch: %s\n", status.message());
  return 1;
}
