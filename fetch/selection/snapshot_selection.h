// File: fetch/selection/snapshot_selection.h
//
// Which commit a revision is, and which of its files are wanted: by what the
// hub says, or, without the hub, by what is on the disk.

#ifndef FETCH_SELECTION_SNAPSHOT_SELECTION_H_
#define FETCH_SELECTION_SNAPSHOT_SELECTION_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fetch/cache/file_verifier.h"
#include "fetch/cache/repo_cache.h"
#include "fetch/cache/snapshot_target.h"
#include "fetch/fetch_options.h"
#include "fetch/observer.h"
#include "fetch/protocol/http_client.h"
#include "fetch/protocol/hub_error.h"
#include "fetch/protocol/repo_listing.h"
#include "fetch/protocol/retry.h"

namespace fetch {

// The files of the snapshot that are wanted, and where they go.
struct Selection {
  RepoListing listing;          // all files of the commit
  std::vector<RepoFile> files;  // those that are wanted
  std::unique_ptr<SnapshotTarget> target;
  // The hub's list is not known: the files are those that are there, and have
  // no hashes.
  bool in_place = false;
};

// For one use by one thread.
class SnapshotSelector {
 public:
  // What is given by reference or pointer must outlive this. `offline`: the
  // hub is not asked.
  SnapshotSelector(const FetchOptions& options, bool offline,
                   const RepoCache& cache, const HubTarget& hub,
                   const RetryPolicy& retry, HttpClient* client,
                   FileVerifier* verifier, const FetchObserver* observer)
      : options_(options),
        offline_(offline),
        cache_(cache),
        hub_(hub),
        retry_(retry),
        client_(client),
        verifier_(verifier),
        observer_(observer) {}

  // Changes nothing on the disk. Where the hub cannot be reached, what is there
  // will do if it is complete. Errors: those of FetchSnapshot that do not come
  // from downloading.
  absl::StatusOr<Selection> Select();

 private:
  absl::StatusOr<Selection> SelectOnline();
  absl::StatusOr<Selection> SelectOffline();
  absl::Status Choose(Selection* selection) const;
  std::unique_ptr<SnapshotTarget> TargetFor(absl::string_view commit) const;

  const FetchOptions& options_;
  const bool offline_;
  const RepoCache& cache_;
  const HubTarget& hub_;
  const RetryPolicy& retry_;
  HttpClient* const client_;
  FileVerifier* const verifier_;
  const FetchObserver* const observer_;
};

}  // namespace fetch

#endif  // FETCH_SELECTION_SNAPSHOT_SELECTION_H_
