// File: fetch/cache/snapshot_target.h
//
// Where the files of one commit go: into the shared cache, or as plain files
// into a directory.

#ifndef FETCH_CACHE_SNAPSHOT_TARGET_H_
#define FETCH_CACHE_SNAPSHOT_TARGET_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fetch/cache/file_verifier.h"
#include "fetch/cache/local_directory.h"
#include "fetch/cache/range_record.h"
#include "fetch/cache/repo_cache.h"
#include "fetch/protocol/repo_listing.h"

namespace fetch {

// Where the contents of a file are.
enum class Presence {
  kMissing,    // to be downloaded
  kElsewhere,  // in the shared cache, to be copied
  kThere,      // on the disk under a final name
};

// Not thread-safe.
class SnapshotTarget {
 public:
  virtual ~SnapshotTarget() = default;

  // The directory that holds the files under their repository paths.
  virtual std::string Directory() const = 0;
  // Where the commit's list of files is kept.
  virtual std::string TreePath() const = 0;

  // Changes nothing. May have to hash a file that is not certain; errors are
  // the FileVerifier's.
  virtual absl::StatusOr<Presence> Find(const RepoFile& file) const = 0;

  virtual absl::StatusOr<DownloadPaths> Paths(const RepoFile& file) const = 0;

  // Makes the directories that downloading these files needs.
  virtual absl::Status Prepare(absl::Span<const RepoFile> files) const = 0;

  // Makes a file that is not missing appear in the snapshot, if it does not
  // yet. For one that is elsewhere the caller holds the lock of Paths(file).
  virtual absl::Status Adopt(const RepoFile& file) const = 0;

  // Makes a file appear in the snapshot whose verified contents have just been
  // put at Paths(file).final_path.
  virtual absl::Status Publish(const RepoFile& file) const = 0;
};

// `verifier` must outlive the target.
std::unique_ptr<SnapshotTarget> MakeCacheTarget(const RepoCache& cache,
                                                absl::string_view commit,
                                                FileVerifier* verifier);

// Takes files that `cache` has from there instead of downloading them.
std::unique_ptr<SnapshotTarget> MakeLocalTarget(const LocalDirectory& directory,
                                                const RepoCache& cache,
                                                absl::string_view commit,
                                                FileVerifier* verifier);

}  // namespace fetch

#endif  // FETCH_CACHE_SNAPSHOT_TARGET_H_
