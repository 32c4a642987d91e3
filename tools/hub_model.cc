#include "tools/hub_model.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/printable.h"
#include "base/user_path.h"
#include "fetch/fetch.h"
#include "fetch/observer.h"
#include "fetch/progress_display.h"
#include "nlohmann/json.hpp"
#include "tools/events.h"
#include "tools/reporter.h"

namespace make_gguf {
namespace {

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

// Tells a reporter of a download. It and `stop` outlive this, and this the
// download.
class HubObserver {
 public:
  HubObserver(Reporter& reporter, const std::atomic<bool>& stop)
      : reporter_(reporter), stop_(stop), display_(reporter.line()) {}

  fetch::FetchObserver observer() {
    fetch::FetchObserver observer;
    observer.cancelled = [this] { return stop_.load(); };
    observer.progress = [this](const fetch::FetchProgress& progress) {
      Show(progress);
    };
    observer.notice = [this](absl::string_view text) {
      reporter_.Say(NoticeEvent(text));
    };
    return observer;
  }

 private:
  void Show(const fetch::FetchProgress& progress) {
    if (reporter_.mode() == ReportMode::kNone) return;
    if (reporter_.mode() != ReportMode::kJson) {
      display_.Show(progress);
      return;
    }
    const bool ended = std::all_of(
        progress.files.begin(), progress.files.end(),
        [](const fetch::FileProgress& file) { return file.complete; });
    if (ended || reporter_.IsTimeForProgress()) {
      reporter_.line().SayVerbatim(DownloadJson(progress));
    }
  }

  Reporter& reporter_;
  const std::atomic<bool>& stop_;
  fetch::ProgressDisplay display_;
};

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
  const bool says_nothing =
      spec.revision().empty() && spec.hub().ByteSizeLong() == 0;
  if (says_nothing || spec.model().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--revision, --endpoint, --cache_dir, --token_path and --offline concern "
      "models of the hub, but --model=",
      spec.model(), " is ",
      fetch::IsRepoId(spec.model()) ? "on this machine; to take the hub's, run "
                                      "from another directory"
                                    : "not an ORG/NAME"));
}

absl::Status FetchHubModel(JobSpec& spec, Reporter& reporter,
                           const std::atomic<bool>& stop) {
  HubObserver observer(reporter, stop);
  const absl::StatusOr<fetch::Snapshot> snapshot =
      fetch::FetchSnapshot(OptionsOf(spec), observer.observer());
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
                                             Reporter& reporter,
                                             const std::atomic<bool>& stop) {
  HubObserver observer(reporter, stop);
  const absl::StatusOr<fetch::SnapshotPlan> plan =
      fetch::PlanSnapshot(OptionsOf(spec), observer.observer());
  if (!plan.ok()) return OrNoDirectory(plan.status(), spec);
  if (plan->bytes_to_fetch == 0) return "";
  std::string text;
  for (const fetch::SnapshotFile& file : plan->files) {
    absl::StrAppendFormat(&text, "%15d of %15d bytes to fetch  %s\n",
                          file.bytes_to_fetch, file.size,
                          base::Printable(file.path, std::string::npos));
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
      {"event", "download"},
      {"download_bytes_done", progress.done_bytes},
      {"download_bytes_total", progress.total_bytes},
      {"bytes_per_second", progress.bytes_per_second},
      {"seconds_left", nullptr},
      {"files", std::move(files)}};
  if (progress.time_left.has_value()) {
    json["seconds_left"] = absl::ToDoubleSeconds(*progress.time_left);
  }
  return JsonLine(json);
}

}  // namespace make_gguf
