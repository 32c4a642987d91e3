#include "tools/hub_model.h"

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_line.h"
#include "base/user_path.h"
#include "fetch/fetch.h"
#include "fetch/observer.h"
#include "fetch/progress_display.h"
#include "nlohmann/json.hpp"
#include "tools/display.h"

namespace make_gguf {
namespace {

constexpr absl::Duration kJsonInterval = absl::Seconds(1);

fetch::FetchOptions OptionsOf(const JobSpec& spec) {
  fetch::FetchOptions options;
  options.repo_id = spec.model();
  if (!spec.revision().empty()) options.revision = spec.revision();
  const Hub& hub = spec.hub();
  if (!hub.endpoint().empty()) options.endpoint = hub.endpoint();
  if (!hub.cache_dir().empty())
    options.cache_dir = base::UserPath(hub.cache_dir());
  if (!hub.token_path().empty()) {
    options.token_path = base::UserPath(hub.token_path());
  }
  if (hub.offline()) options.offline = true;
  return options;
}

// An observer that shows what it sees on standard error. `display` is for the
// modes that people read; it and `stop` outlive the observer.
fetch::FetchObserver ObserverFor(DisplayMode mode, base::StatusLine& line,
                                 fetch::ProgressDisplay& display,
                                 const std::atomic<bool>& stop) {
  fetch::FetchObserver observer;
  observer.cancelled = [&stop] { return stop.load(); };
  if (mode == DisplayMode::kNone) return observer;
  if (mode == DisplayMode::kJson) {
    observer.progress = [last = absl::InfinitePast()](
                            const fetch::FetchProgress& progress) mutable {
      const absl::Time now = absl::Now();
      const bool ended = progress.done_bytes == progress.total_bytes;
      if (!ended && now - last < kJsonInterval) return;
      last = now;
      absl::FPrintF(stderr, "%s\n", DownloadJson(progress));
    };
  } else {
    observer.progress = [&display](const fetch::FetchProgress& progress) {
      display.Show(progress);
    };
  }
  observer.notice = [&line](absl::string_view text) { line.Say(text); };
  return observer;
}

// A name that the hub does not know may have been meant for a directory.
absl::Status OrNoDirectory(const absl::Status& status, const JobSpec& spec) {
  if (!absl::IsNotFound(status) && !absl::IsUnauthenticated(status)) {
    return status;
  }
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(), ". Nor is there a directory or file ",
                   base::UserPath(spec.model())));
}

}  // namespace

bool NamesHubModel(const JobSpec& spec) {
  std::error_code error;
  return fetch::IsRepoId(spec.model()) &&
         !std::filesystem::exists(base::UserPath(spec.model()), error);
}

absl::Status CheckNoHub(const JobSpec& spec) {
  const bool says_nothing = spec.revision().empty() && !spec.has_hub();
  if (says_nothing || spec.model().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--revision, --endpoint, --cache_dir, --token_path and --offline concern "
      "models of the hub, but --model=",
      spec.model(), " is ",
      fetch::IsRepoId(spec.model()) ? "on this machine; to take the hub's, run "
                                      "from another directory"
                                    : "not an ORG/NAME"));
}

absl::Status FetchHubModel(JobSpec& spec, DisplayMode mode,
                           const std::atomic<bool>& stop) {
  base::StatusLine line(stderr, mode == DisplayMode::kBar);
  fetch::ProgressDisplay display(line);
  absl::StatusOr<fetch::Snapshot> snapshot = fetch::FetchSnapshot(
      OptionsOf(spec), ObserverFor(mode, line, display, stop));
  if (!snapshot.ok()) return OrNoDirectory(snapshot.status(), spec);
  const std::string& repo = spec.model();
  const std::string name = repo.substr(repo.rfind('/') + 1);
  // The snapshot's directory is called after its commit.
  if (spec.outname().empty()) spec.set_outname(name);
  if (spec.model_name().empty()) spec.set_model_name(name);
  spec.set_model(snapshot->directory);
  return absl::OkStatus();
}

absl::StatusOr<std::string> DescribeDownload(const JobSpec& spec,
                                             const std::atomic<bool>& stop) {
  fetch::FetchObserver observer;
  observer.cancelled = [&stop] { return stop.load(); };
  absl::StatusOr<fetch::SnapshotPlan> plan =
      fetch::PlanSnapshot(OptionsOf(spec), observer);
  if (!plan.ok()) return OrNoDirectory(plan.status(), spec);
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

std::string DownloadJson(const fetch::FetchProgress& progress) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const fetch::FileProgress& file : progress.files) {
    files.push_back({{"path", file.path},
                     {"bytes_done", file.done},
                     {"bytes_total", file.size},
                     {"complete", file.complete}});
  }
  nlohmann::ordered_json json = {
      {"download_bytes_done", progress.done_bytes},
      {"download_bytes_total", progress.total_bytes},
      {"bytes_per_second", progress.bytes_per_second},
      {"seconds_left", nullptr},
      {"files", std::move(files)}};
  if (progress.time_left.has_value()) {
    json["seconds_left"] = absl::ToDoubleSeconds(*progress.time_left);
  }
  return json.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace make_gguf
