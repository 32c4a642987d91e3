#include "fetch/selection/snapshot_selection.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "fetch/cache/local_directory.h"
#include "fetch/cache/repo_cache.h"
#include "fetch/cache/snapshot_target.h"
#include "fetch/cache/tree_cache.h"
#include "fetch/fetch_options.h"
#include "fetch/observer.h"
#include "fetch/protocol/hub_api.h"
#include "fetch/protocol/hub_url.h"
#include "fetch/protocol/repo_listing.h"
#include "fetch/protocol/retry.h"
#include "fetch/selection/file_selection.h"
#include "fetch/selection/offline_snapshot.h"

namespace fetch {
namespace {

constexpr size_t kNamesShown = 10;

// Nothing is wanted of what is there; names some of it, weights first.
absl::Status NothingWanted(const FetchOptions& options,
                           const std::vector<RepoFile>& all) {
  std::vector<absl::string_view> names;
  for (const RepoFile& file : all) names.push_back(file.path);
  std::stable_partition(names.begin(), names.end(), IsWeightsFile);
  if (names.size() > kNamesShown) names.resize(kNamesShown);
  return absl::NotFoundError(absl::StrCat(
      options.repo_id, " at revision '", options.revision, "' has ",
      options.include.empty()
          ? "no weights that a conversion reads (model*.safetensors, "
            "pytorch_model*.bin or consolidated*.pth)"
          : absl::StrCat("no file that matches --include=",
                         absl::StrJoin(options.include, ",")),
      ". It has ", all.size(), " files: ", absl::StrJoin(names, ", "),
      all.size() > names.size() ? ", ..." : ""));
}

}  // namespace

std::unique_ptr<SnapshotTarget> SnapshotSelector::TargetFor(
    absl::string_view commit) const {
  if (options_.local_dir.has_value()) {
    return MakeLocalTarget(LocalDirectory(*options_.local_dir), cache_, commit,
                           verifier_);
  }
  return MakeCacheTarget(cache_, commit, verifier_);
}

absl::StatusOr<Selection> SnapshotSelector::Select() {
  if (offline_) return SelectOffline();
  absl::StatusOr<Selection> online = SelectOnline();
  if (!absl::IsUnavailable(online.status())) return online;
  // Without a connection, what was downloaded before is still good.
  absl::StatusOr<Selection> offline = SelectOffline();
  if (!offline.ok()) return online;
  if (observer_->notice) {
    observer_->notice(
        absl::StrCat(online.status().message(),
                     ". Going on with what was downloaded before: commit ",
                     offline->listing.commit));
  }
  return offline;
}

absl::StatusOr<Selection> SnapshotSelector::SelectOnline() {
  // With all files there, no connection is no reason to wait for long.
  RetryPolicy retry = retry_;
  if (!options_.local_dir.has_value()) {
    const absl::Status offline = SelectOffline().status();
    if (absl::IsCancelled(offline)) return offline;
    if (offline.ok()) retry.max_tries = std::min(retry.max_tries, 2);
  }
  HubApi api(client_, hub_, retry, observer_);
  std::string commit = options_.revision;
  if (!IsCommitHash(commit)) {
    ASSIGN_OR_RETURN(commit, api.ResolveRevision());
  }
  Selection selection;
  selection.target = TargetFor(commit);
  // A commit never changes, so a kept list is as good as a new one.
  std::optional<RepoListing> kept =
      ReadTree(selection.target->TreePath(), commit);
  if (kept.has_value()) {
    selection.listing = *std::move(kept);
  } else {
    ASSIGN_OR_RETURN(selection.listing, api.ListFiles(commit));
  }
  RETURN_IF_ERROR(Choose(&selection));
  return selection;
}

absl::StatusOr<Selection> SnapshotSelector::SelectOffline() {
  const std::optional<std::string> commit = cache_.ReadRef(options_.revision);
  Selection selection;
  selection.target = TargetFor(commit.value_or("unknown"));
  std::optional<RepoListing> kept;
  if (commit.has_value()) {
    kept = ReadTree(selection.target->TreePath(), *commit);
    if (!kept.has_value()) kept = ReadTree(cache_.TreePath(*commit), *commit);
  }
  std::vector<std::string> missing;
  if (kept.has_value()) {
    selection.listing = *std::move(kept);
    RETURN_IF_ERROR(Choose(&selection));
    for (const RepoFile& file : selection.files) {
      ASSIGN_OR_RETURN(const Presence presence, selection.target->Find(file));
      if (presence == Presence::kMissing) missing.push_back(file.path);
    }
  } else {
    selection.in_place = true;
    const std::string directory = selection.target->Directory();
    selection.listing = ListDirectory(directory, commit.value_or(""));
    if (selection.listing.files.empty() || !Choose(&selection).ok()) {
      missing.push_back("any files that a conversion could use");
    } else {
      missing = MissingShards(directory, selection.files);
    }
  }
  if (!missing.empty()) {
    return MissingOffline(options_.repo_id, options_.revision, missing);
  }
  return selection;
}

absl::Status SnapshotSelector::Choose(Selection* selection) const {
  const std::vector<RepoFile>& all = selection->listing.files;
  selection->files = SelectFiles(all, options_.include, options_.exclude);
  const bool has_weights =
      std::any_of(selection->files.begin(), selection->files.end(),
                  [](const RepoFile& f) { return IsWeightsFile(f.path); });
  const bool complete =
      options_.include.empty() ? has_weights : !selection->files.empty();
  return complete ? absl::OkStatus() : NothingWanted(options_, all);
}

}  // namespace fetch
