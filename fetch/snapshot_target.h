// File: fetch/snapshot_target.h
//
// Where the files of one commit go: into the shared cache, or as plain files
// into a directory.

#ifndef FETCH_SNAPSHOT_TARGET_H_
#define FETCH_SNAPSHOT_TARGET_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fetch/download_paths.h"
#include "fetch/local_directory.h"
#include "fetch/repo_cache.h"
#include "fetch/repo_listing.h"

namespace fetch {

// Not thread-safe.
class SnapshotTarget {
 public:
  virtual ~SnapshotTarget() = default;

  // The directory that holds the files under their repository paths.
  virtual std::string Directory() const = 0;
  // Where the commit's list of files is kept.
  virtual std::string TreePath() const = 0;

  // True if the file's contents are on the disk under a final name. Changes
  // nothing. May have to hash a file whose origin is not known.
  virtual bool IsThere(const RepoFile& file) const = 0;

  virtual absl::StatusOr<DownloadPaths> Paths(const RepoFile& file) const = 0;

  // Makes the directories that downloading these files needs.
  virtual absl::Status Prepare(absl::Span<const RepoFile> files) const = 0;

  // Makes a file that IsThere appear in the snapshot, if it does not yet.
  virtual absl::Status Adopt(const RepoFile& file) const = 0;

  // Makes a file appear in the snapshot whose verified contents have just been
  // put at Paths(file).final_path.
  virtual absl::Status Publish(const RepoFile& file) const = 0;
};

std::unique_ptr<SnapshotTarget> MakeCacheTarget(const RepoCache& cache,
                                                absl::string_view commit);

// Takes files that `cache` has from there instead of downloading them.
std::unique_ptr<SnapshotTarget> MakeLocalTarget(const LocalDirectory& directory,
                                                const RepoCache& cache,
                                                absl::string_view commit);

}  // namespace fetch

#endif  // FETCH_SNAPSHOT_TARGET_H_
