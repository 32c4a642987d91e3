#include "tools/hub_model.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "fetch/fetch.h"
#include "fetch/observer.h"
#include "fetch/progress_display.h"
#include "tools/user_path.h"

namespace make_gguf {
namespace {

fetch::FetchOptions OptionsOf(const JobSpec& spec) {
  fetch::FetchOptions options;
  options.repo_id = spec.model();
  if (!spec.revision().empty()) options.revision = spec.revision();
  return options;
}

}  // namespace

bool NamesHubModel(const JobSpec& spec) {
  std::error_code error;
  return fetch::IsRepoId(spec.model()) &&
         !std::filesystem::exists(UserPath(spec.model()), error);
}

absl::Status FetchHubModel(JobSpec& spec, const std::atomic<bool>& stop) {
  fetch::ProgressDisplay display(stderr, isatty(STDERR_FILENO) == 1);
  fetch::FetchObserver observer;
  observer.progress = [&display](const fetch::FetchProgress& progress) {
    display.Show(progress);
  };
  observer.notice = [&display](absl::string_view line) {
    display.Notice(line);
  };
  observer.cancelled = [&stop] { return stop.load(); };
  absl::StatusOr<fetch::Snapshot> snapshot =
      fetch::FetchSnapshot(OptionsOf(spec), observer);
  if (!snapshot.ok()) return snapshot.status();
  const std::string& repo = spec.model();
  const std::string name = repo.substr(repo.rfind('/') + 1);
  // The snapshot's directory is called after its commit.
  if (spec.outname().empty()) spec.set_outname(name);
  if (spec.model_name().empty()) spec.set_model_name(name);
  spec.set_model(snapshot->directory);
  return absl::OkStatus();
}

absl::StatusOr<std::string> DescribeDownload(const JobSpec& spec) {
  absl::StatusOr<fetch::SnapshotPlan> plan =
      fetch::PlanSnapshot(OptionsOf(spec));
  if (!plan.ok()) return plan.status();
  if (plan->bytes_to_fetch == 0) return "";
  std::string text;
  for (const fetch::SnapshotFile& file : plan->files) {
    absl::StrAppendFormat(&text, "%15d of %15d bytes to fetch  %s\n",
                          file.bytes_to_fetch, file.size, file.path);
  }
  absl::StrAppendFormat(&text,
                        "%d of %d bytes to fetch, commit %s; the outputs' "
                        "sizes are known when the model is here\n",
                        plan->bytes_to_fetch, plan->total_bytes, plan->commit);
  return text;
}

}  // namespace make_gguf
