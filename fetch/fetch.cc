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
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fetch/downloader.h"
#include "fetch/effective_environment.h"
#include "fetch/environment.h"
#include "fetch/file_download.h"
#include "fetch/final_flush.h"
#include "fetch/http_client.h"
#include "fetch/hub_error.h"
#include "fetch/hub_url.h"
#include "fetch/partial_file.h"
#include "fetch/progress_reporter.h"
#include "fetch/range_record.h"
#include "fetch/repo_cache.h"
#include "fetch/repo_listing.h"
#include "fetch/retry.h"
#include "fetch/snapshot_selection.h"
#include "fetch/snapshot_target.h"
#include "fetch/tree_cache.h"

namespace fetch {
namespace {

// For records, links and lists.
constexpr uint64_t kSpareBytes = uint64_t{1} << 20;

// How long the end of a download of so many bytes may wait for the disk: as
// long as a busy disk may need for little; no longer than anybody notices for
// much.
absl::Duration FlushPatience(uint64_t bytes, absl::Duration download) {
  constexpr uint64_t kLittle = uint64_t{64} << 20;
  return bytes < kLittle ? absl::Seconds(10)
                         : absl::Milliseconds(50) + download / 32;
}

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
  SnapshotPlan Plan(const Selection& selection) const;
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
        client_({environment.ca_bundle, options.proxy, options.stall_timeout}) {
  }

  uint64_t BytesToFetch(const RepoFile& file,
                        const SnapshotTarget& target) const;
  absl::Status CheckSpace(const Selection& selection,
                          uint64_t bytes_to_fetch) const;
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
};

absl::Status ValidateOptions(const FetchOptions& options) {
  absl::Status status = ValidateRepoId(options.repo_id);
  if (status.ok()) status = ValidateRevision(options.revision);
  if (!status.ok()) return status;
  if (options.connections < 1 || options.max_tries < 1 ||
      options.stall_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "connections, tries and the stall timeout must be at least 1");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Session>> Session::Create(
    const FetchOptions& options, const FetchObserver& observer) {
  const absl::Status valid = ValidateOptions(options);
  if (!valid.ok()) return valid;
  const absl::StatusOr<Environment> environment = EffectiveEnvironment(options);
  if (!environment.ok()) return environment.status();
  return std::unique_ptr<Session>(new Session(options, observer, *environment));
}

absl::StatusOr<Selection> Session::Select() {
  return SnapshotSelector(options_, environment_.offline, cache_, hub_, retry_,
                          &client_, &observer_)
      .Select();
}

uint64_t Session::BytesToFetch(const RepoFile& file,
                               const SnapshotTarget& target) const {
  if (target.IsThere(file)) return 0;
  const absl::StatusOr<DownloadPaths> paths = target.Paths(file);
  if (!paths.ok()) return file.size;
  const RecordKey key = {file.etag(), file.size, BootId()};
  return file.size - BytesThere(*paths, key);
}

SnapshotPlan Session::Plan(const Selection& selection) const {
  SnapshotPlan plan;
  plan.commit = selection.listing.commit;
  plan.directory = selection.target->Directory();
  std::set<std::string> seen;
  for (const RepoFile& file : selection.files) {
    SnapshotFile planned = {file.path, file.size, 0};
    // Equal contents are stored once in the cache.
    const bool again =
        !options_.local_dir.has_value() && !seen.insert(file.etag()).second;
    if (!selection.in_place && !again) {
      planned.bytes_to_fetch = BytesToFetch(file, *selection.target);
    }
    plan.total_bytes += planned.size;
    plan.bytes_to_fetch += planned.bytes_to_fetch;
    plan.files.push_back(std::move(planned));
  }
  return plan;
}

absl::Status Session::CheckSpace(const Selection& selection,
                                 uint64_t bytes_to_fetch) const {
  // The directory may not be there yet; the first parent that is will do.
  std::string directory = selection.target->Directory();
  struct statvfs info;
  while (statvfs(directory.c_str(), &info) != 0) {
    const size_t slash = directory.rfind('/');
    if (slash == std::string::npos || slash == 0) return absl::OkStatus();
    directory.resize(slash);
  }
  const uint64_t free = uint64_t{info.f_bavail} * info.f_frsize;
  if (bytes_to_fetch == 0 || free >= bytes_to_fetch + kSpareBytes) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      "not enough space in ", directory, ": ", bytes_to_fetch,
      " bytes are still to be fetched, ", free,
      " are free. Free space, or set HF_HOME or --cache_dir to another disk"));
}

absl::Status Session::Prepare(const Selection& selection) const {
  absl::Status status = selection.target->Prepare(selection.files);
  if (status.ok() &&
      !ReadTree(selection.target->TreePath(), selection.listing.commit)
           .has_value()) {
    status = WriteTree(selection.target->TreePath(), selection.listing);
  }
  if (status.ok() && !options_.local_dir.has_value()) {
    status = cache_.WriteRef(options_.revision, selection.listing.commit);
  }
  return status;
}

// One item for all files of the same contents.
absl::StatusOr<DownloadItem> Session::ItemFor(
    const std::vector<const RepoFile*>& files,
    const Selection& selection) const {
  const RepoFile& first = *files.front();
  const SnapshotTarget* const target = selection.target.get();
  const absl::StatusOr<DownloadPaths> paths = target->Paths(first);
  if (!paths.ok()) return paths.status();
  DownloadItem item;
  item.path = first.path;
  item.url = ResolveUrl(hub_.endpoint, hub_.repo_id, selection.listing.commit,
                        first.path);
  item.size = first.size;
  item.digest_kind = first.digest_kind();
  item.etag = first.etag();
  item.paths = *paths;
  item.adopt = [target, files]() -> absl::StatusOr<bool> {
    if (!target->IsThere(*files.front())) return false;
    for (const RepoFile* file : files) {
      const absl::Status adopted = target->Adopt(*file);
      if (!adopted.ok()) return adopted;
    }
    return true;
  };
  item.publish = [target, files] {
    for (const RepoFile* file : files) {
      const absl::Status published = target->Publish(*file);
      if (!published.ok()) return published;
    }
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
    const bool there = selection.target->IsThere(file);
    const std::string contents =
        options_.local_dir.has_value() ? file.path : file.etag();
    const auto [group, is_new] = group_of.try_emplace(contents, groups.size());
    work->progress.push_back({file.path, file.size,
                              file.size - plan.files[i].bytes_to_fetch,
                              there || !is_new});
    if (there) {
      const absl::Status adopted = selection.target->Adopt(file);
      if (!adopted.ok()) return adopted;
      const absl::StatusOr<DownloadPaths> paths = selection.target->Paths(file);
      if (paths.ok() && IsUnflushed(*paths)) flusher->Add(*paths);
      group_of.erase(group);
    } else if (is_new) {
      groups.push_back({&file});
      work->progress_index.push_back(i);
    } else {
      groups[group->second].push_back(&file);
    }
  }
  for (const auto& group : groups) {
    absl::StatusOr<DownloadItem> item = ItemFor(group, selection);
    if (!item.ok()) return item.status();
    work->items.push_back(*std::move(item));
  }
  return absl::OkStatus();
}

absl::Status Session::Download(const Selection& selection,
                               const SnapshotPlan& plan, uint64_t* received) {
  const absl::Time begun = absl::Now();
  FinalFlusher flusher;
  Work work;
  const absl::Status collected = Collect(selection, plan, &flusher, &work);
  if (!collected.ok()) return collected;
  ProgressReporter reporter(std::move(work.progress), observer_.progress);
  Downloader downloader({hub_, retry_, options_.connections}, &client_,
                        &observer_, &reporter, &flusher);
  const absl::Status status = downloader.Run(work.items, work.progress_index);
  *received = downloader.received_bytes();
  if (!status.ok()) return status;
  const absl::Time now = absl::Now();
  return flusher.WaitUntil(now + FlushPatience(*received, now - begun));
}

absl::StatusOr<Snapshot> Session::Fetch(const Selection& selection) {
  SnapshotPlan plan = Plan(selection);
  Snapshot snapshot;
  if (!selection.in_place) {
    absl::Status status = CheckSpace(selection, plan.bytes_to_fetch);
    if (status.ok()) status = Prepare(selection);
    // A cache that may only be read is fine if all is there.
    if (plan.bytes_to_fetch == 0 && absl::IsPermissionDenied(status)) {
      status = absl::OkStatus();
    }
    if (status.ok()) {
      status = Download(selection, plan, &snapshot.received_bytes);
    }
    if (!status.ok()) return status;
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
  const absl::StatusOr<std::unique_ptr<Session>> session =
      Session::Create(options, observer);
  if (!session.ok()) return session.status();
  const absl::StatusOr<Selection> selection = (*session)->Select();
  if (!selection.ok()) return selection.status();
  return (*session)->Plan(*selection);
}

absl::StatusOr<Snapshot> FetchSnapshot(const FetchOptions& options,
                                       const FetchObserver& observer) {
  const absl::StatusOr<std::unique_ptr<Session>> session =
      Session::Create(options, observer);
  if (!session.ok()) return session.status();
  const absl::StatusOr<Selection> selection = (*session)->Select();
  if (!selection.ok()) return selection.status();
  return (*session)->Fetch(*selection);
}

}  // namespace fetch
