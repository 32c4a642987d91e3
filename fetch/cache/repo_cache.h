// File: fetch/cache/repo_cache.h
//
// A repository in the cache that huggingface_hub and others share:
//
//   CACHEDIR.TAG
//   .locks/models--ORG--NAME/ETAG.lock
//   models--ORG--NAME/
//     blobs/ETAG                    contents, by SHA-256 or git blob SHA-1
//     blobs/ETAG.incomplete         partial file of another client
//     blobs/ETAG.ranges.incomplete  our partial file, with its record beside it
//     refs/REVISION                 commit hash, without a line end
//     snapshots/COMMIT/PATH         symbolic link to ../../blobs/ETAG
//     trees/COMMIT.json             the files of the commit, see tree_cache.h
//
// Source: huggingface_hub, file_download.py (2026).

#ifndef FETCH_CACHE_REPO_CACHE_H_
#define FETCH_CACHE_REPO_CACHE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "fetch/cache/range_record.h"

namespace fetch {

// Writes CACHEDIR.TAG, by which backup tools know a cache, unless there is one.
// Failure is no error: the tag is a courtesy.
void TagCacheDirectory(const std::string& directory);

// Arguments must have passed the checks of hub_url.h and repo_path.h.
class RepoCache {
 public:
  RepoCache(absl::string_view cache_dir, absl::string_view repo_id);

  std::string SnapshotDirectory(absl::string_view commit) const;
  std::string TreePath(absl::string_view commit) const;
  DownloadPaths BlobPaths(absl::string_view etag) const;

  // The commit that `revision` was at when it was last asked for; `revision`
  // itself if it is a full commit hash; nullopt if that is not known.
  std::optional<std::string> ReadRef(absl::string_view revision) const;
  // Does nothing if the ref is so already, or if `revision` is the commit.
  absl::Status WriteRef(absl::string_view revision,
                        absl::string_view commit) const;

  // Makes snapshots/COMMIT/PATH a relative link to the blob, whatever it was.
  // Does nothing if it is that already.
  absl::Status LinkSnapshotFile(absl::string_view commit,
                                absl::string_view path,
                                absl::string_view etag) const;

  // Makes the directories for blobs, trees and locks, and tags the cache.
  absl::Status Prepare() const;

 private:
  std::string cache_dir_;
  std::string name_;       // models--ORG--NAME
  std::string directory_;  // cache_dir_/name_
};

}  // namespace fetch

#endif  // FETCH_CACHE_REPO_CACHE_H_
