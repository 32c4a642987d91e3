#include "fetch/fetch.h"

#include <sys/statvfs.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "base/steady_clock.h"
#include "fetch/cache/file_verifier.h"
#include "fetch/cache/range_record.h"
#include "fetch/cache/repo_cache.h"
#include "fetch/cache/snapshot_target.h"
#include "fetch/cache/tree_cache.h"
#include "fetch/download/downloader.h"
#include "fetch/download/file_download.h"
#include "fetch/download/final_flush.h"
#include "fetch/download/partial_file.h"
#include "fetch/download/progress_reporter.h"
#include "fetch/environment.h"
#include "fetch/protocol/http_client.h"
#include "fetch/protocol/hub_error.h"
#include "fetch/protocol/hub_url.h"
#include "fetch/protocol/repo_listing.h"
#include "fetch/protocol/retry.h"
#include "fetch/selection/snapshot_selection.h"

namespace fetch {
namespace {

// For records, links and lists.
constexpr uint64_t kSpareBytes = uint64_t{1} << 20;
// More do not make it faster, and each takes descriptors and memory.
constexpr int kMaxConnections = 64;
constexpr int kMaxTries = 1000;
constexpr absl::Duration kMaxStallTimeout = absl::Hours(24);

// How long the end of a download of so many bytes may wait for the disk: as
// long as a busy disk may need for little; no longer than anybody notices for
// much.
absl::Duration FlushPatience(uint64_t bytes, absl::Duration download) {
  constexpr uint64_t kLittle = uint64_t{64} << 20;
  return bytes < kLittle ? absl::Seconds(10)
                         : absl::Milliseconds(50) + download / 32;
}

// What a file needs besides what is there.
struct Need {
  uint64_t fetch = 0;  // bytes over the network
  uint64_t space = 0;  // bytes of the disk
};

// What is to be downloaded; item i is file progress_index[i] of the progress.
struct Work {
  std::vector<FileProgress> progress;
  std::vector<DownloadItem> items;
  std::vector<size_t> progress_index;
};

// One call of PlanSnapshot or FetchSnapshot.
class Session {
 public:
  static absl::StatusOr<std::unique_ptr<Session>> Create(
      const FetchOptions& options, const FetchObserver& observer);

  absl::StatusOr<Selection> Select();
  absl::StatusOr<SnapshotPlan> Plan(const Selection& selection);
  absl::StatusOr<Snapshot> Fetch(const Selection& selection);

 private:
  Session(const FetchOptions& options, const FetchObserver& observer,
          const Environment& environment)
      : options_(options),
        observer_(observer),
        environment_(environment),
        cache_(environment.cache_dir, options.repo_id),
        hub_{environment.endpoint, options.repo_id, options.revision,
             environment.token},
        retry_{options.max_tries, options.first_backoff, options.max_backoff},
        client_({environment.ca_bundle, options.proxy, options.stall_timeout}),
        verifier_(&observer_) {}

  absl::StatusOr<Need> NeedOf(const RepoFile& file,
                              const SnapshotTarget& target) const;
  absl::Status CheckSpace(const Selection& selection) const;
  absl::Status Prepare(const Selection& selection) const;
  absl::Status Collect(const Selection& selection, const SnapshotPlan& plan,
                       FinalFlusher* flusher, Work* work) const;
  absl::Status Download(const Selection& selection, const SnapshotPlan& plan,
                        uint64_t* received);
  absl::StatusOr<DownloadItem> ItemFor(
      const std::vector<const RepoFile*>& files,
      const Selection& selection) const;

  const FetchOptions options_;
  const FetchObserver observer_;
  const Environment environment_;
  const RepoCache cache_;
  const HubTarget hub_;
  const RetryPolicy retry_;
  HttpClient client_;
  FileVerifier verifier_;
  uint64_t space_needed_ = 0;  // by the plan
};

absl::Status ValidateOptions(const FetchOptions& options) {
  RETURN_IF_ERROR(ValidateRepoId(options.repo_id));
  RETURN_IF_ERROR(ValidateRevision(options.revision));
  if (options.connections < 1 || options.connections > kMaxConnections) {
    return absl::InvalidArgumentError(
        absl::StrCat("connections is ", options.connections, ", expected 1 to ",
                     kMaxConnections));
  }
  if (options.max_tries < 1 || options.max_tries > kMaxTries) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_tries is ", options.max_tries, ", expected 1 to ", kMaxTries));
  }
  if (options.stall_timeout <= absl::ZeroDuration() ||
      options.stall_timeout > kMaxStallTimeout) {
    return absl::InvalidArgumentError(absl::StrCat(
        "stall_timeout is ", absl::FormatDuration(options.stall_timeout),
        ", expected more than 0 and at most 24h"));
  }
  if (options.local_dir.has_value() && options.local_dir->empty()) {
    return absl::InvalidArgumentError(
        "local_dir is empty: name a directory, or leave it out to use the "
        "cache");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Session>> Session::Create(
    const FetchOptions& options, const FetchObserver& observer) {
  RETURN_IF_ERROR(ValidateOptions(options));
  ASSIGN_OR_RETURN(const Environment environment,
                   EffectiveEnvironment(options));
  return std::unique_ptr<Session>(new Session(options, observer, environment));
}

absl::StatusOr<Selection> Session::Select() {
  return SnapshotSelector(options_, environment_.offline, cache_, hub_, retry_,
                          &client_, &verifier_, &observer_)
      .Select();
}

absl::StatusOr<Need> Session::NeedOf(const RepoFile& file,
                                     const SnapshotTarget& target) const {
  ASSIGN_OR_RETURN(const Presence presence, target.Find(file));
  if (presence == Presence::kThere) return Need{};
  if (presence == Presence::kElsewhere) return Need{0, file.size};
  ASSIGN_OR_RETURN(const DownloadPaths paths, target.Paths(file));
  const PartialBytes partial =
      FindPartialBytes(paths, {file.etag(), file.size});
  return Need{file.size - partial.there, file.size - partial.reserved};
}

absl::StatusOr<SnapshotPlan> Session::Plan(const Selection& selection) {
  SnapshotPlan plan;
  plan.commit = selection.listing.commit;
  plan.directory = selection.target->Directory();
  space_needed_ = 0;
  std::set<std::string> seen;
  for (const RepoFile& file : selection.files) {
    SnapshotFile planned = {file.path, file.size, 0};
    // Equal contents are stored once in the cache.
    const bool again =
        !options_.local_dir.has_value() && !seen.insert(file.etag()).second;
    if (!selection.in_place && !again) {
      ASSIGN_OR_RETURN(const Need need, NeedOf(file, *selection.target));
      planned.bytes_to_fetch = need.fetch;
      space_needed_ += need.space;
    }
    plan.total_bytes += planned.size;
    plan.bytes_to_fetch += planned.bytes_to_fetch;
    plan.files.push_back(std::move(planned));
  }
  return plan;
}

absl::Status Session::CheckSpace(const Selection& selection) const {
  // The directory may not be there yet; the first parent that is will do.
  std::string directory = selection.target->Directory();
  struct statvfs info;
  while (statvfs(directory.c_str(), &info) != 0) {
    const std::string parent = base::DirectoryOf(directory);
    if (parent == directory) return absl::OkStatus();
    directory = parent;
  }
  const uint64_t free = uint64_t{info.f_bavail} * info.f_frsize;
  if (space_needed_ == 0 || free >= space_needed_ + kSpareBytes) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      "not enough space in ", directory, ": ", space_needed_,
      " bytes are still needed, ", free,
      " are free. Free space, or set HF_HOME or --cache_dir to another disk"));
}

absl::Status Session::Prepare(const Selection& selection) const {
  RETURN_IF_ERROR(selection.target->Prepare(selection.files));
  const std::string tree = selection.target->TreePath();
  if (!ReadTree(tree, selection.listing.commit).has_value()) {
    RETURN_IF_ERROR(WriteTree(tree, selection.listing));
  }
  if (options_.local_dir.has_value()) return absl::OkStatus();
  return cache_.WriteRef(options_.revision, selection.listing.commit);
}

// One item for all files of the same contents.
absl::StatusOr<DownloadItem> Session::ItemFor(
    const std::vector<const RepoFile*>& files,
    const Selection& selection) const {
  const RepoFile& first = *files.front();
  const SnapshotTarget* const target = selection.target.get();
  DownloadItem item;
  ASSIGN_OR_RETURN(item.paths, target->Paths(first));
  item.path = base::Printable(first.path);
  item.url = ResolveUrl(hub_.endpoint, hub_.repo_id, selection.listing.commit,
                        first.path);
  item.size = first.size;
  item.digest_kind = first.digest_kind();
  item.etag = first.etag();
  item.adopt = [target, files]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const Presence presence, target->Find(*files.front()));
    if (presence == Presence::kMissing) return false;
    for (const RepoFile* file : files) RETURN_IF_ERROR(target->Adopt(*file));
    return true;
  };
  item.publish = [target, files]() -> absl::Status {
    for (const RepoFile* file : files) RETURN_IF_ERROR(target->Publish(*file));
    return absl::OkStatus();
  };
  return item;
}

// Takes what is there into the snapshot and makes items of the rest.
absl::Status Session::Collect(const Selection& selection,
                              const SnapshotPlan& plan, FinalFlusher* flusher,
                              Work* work) const {
  std::vector<std::vector<const RepoFile*>> groups;  // of equal contents
  absl::flat_hash_map<std::string, size_t> group_of;
  for (size_t i = 0; i < plan.files.size(); ++i) {
    const RepoFile& file = selection.files[i];
    ASSIGN_OR_RETURN(const Presence presence, selection.target->Find(file));
    const bool there = presence == Presence::kThere;
    const std::string contents =
        options_.local_dir.has_value() ? file.path : file.etag();
    const auto [group, is_new] = group_of.try_emplace(contents, groups.size());
    work->progress.push_back({file.path, file.size,
                              file.size - plan.files[i].bytes_to_fetch,
                              there || !is_new});
    if (there) {
      RETURN_IF_ERROR(selection.target->Adopt(file));
      ASSIGN_OR_RETURN(const DownloadPaths paths,
                       selection.target->Paths(file));
      if (IsUnflushed(paths)) flusher->Add(paths);
      group_of.erase(group);
    } else if (is_new) {
      groups.push_back({&file});
      work->progress_index.push_back(i);
    } else {
      groups[group->second].push_back(&file);
    }
  }
  for (const auto& group : groups) {
    ASSIGN_OR_RETURN(DownloadItem item, ItemFor(group, selection));
    work->items.push_back(std::move(item));
  }
  return absl::OkStatus();
}

absl::Status Session::Download(const Selection& selection,
                               const SnapshotPlan& plan, uint64_t* received) {
  const absl::Time begun = base::SteadyNow();
  FinalFlusher flusher;
  Work work;
  RETURN_IF_ERROR(Collect(selection, plan, &flusher, &work));
  ProgressReporter reporter(std::move(work.progress), observer_.progress);
  Downloader downloader({hub_, retry_, options_.connections}, &client_,
                        &observer_, &reporter, &flusher);
  const absl::Status status = downloader.Run(work.items, work.progress_index);
  *received = downloader.received_bytes();
  RETURN_IF_ERROR(status);
  return flusher.Wait(FlushPatience(*received, base::SteadyNow() - begun));
}

// A disk that is full in the middle: what to do, in this program's words.
absl::Status WithAdvice(const absl::Status& status) {
  if (!absl::IsResourceExhausted(status)) return status;
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(),
                   " (HF_HOME or --cache_dir names another disk)"));
}

absl::StatusOr<Snapshot> Session::Fetch(const Selection& selection) {
  ASSIGN_OR_RETURN(SnapshotPlan plan, Plan(selection));
  Snapshot snapshot;
  if (!selection.in_place) {
    RETURN_IF_ERROR(CheckSpace(selection));
    const absl::Status prepared = Prepare(selection);
    // A cache that may only be read is fine if all is there.
    if (space_needed_ > 0 || !absl::IsPermissionDenied(prepared)) {
      RETURN_IF_ERROR(WithAdvice(prepared));
    }
    RETURN_IF_ERROR(
        WithAdvice(Download(selection, plan, &snapshot.received_bytes)));
  }
  snapshot.commit = std::move(plan.commit);
  snapshot.directory = std::move(plan.directory);
  snapshot.files = std::move(plan.files);
  snapshot.total_bytes = plan.total_bytes;
  return snapshot;
}

}  // namespace

bool IsRepoId(absl::string_view name) { return ValidateRepoId(name).ok(); }

absl::StatusOr<SnapshotPlan> PlanSnapshot(const FetchOptions& options,
                                          const FetchObserver& observer) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                   Session::Create(options, observer));
  ASSIGN_OR_RETURN(const Selection selection, session->Select());
  return session->Plan(selection);
}

absl::StatusOr<Snapshot> FetchSnapshot(const FetchOptions& options,
                                       const FetchObserver& observer) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                   Session::Create(options, observer));
  ASSIGN_OR_RETURN(const Selection selection, session->Select());
  return session->Fetch(selection);
}

}  // namespace fetch
