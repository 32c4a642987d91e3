// File: fetch/cache/local_directory.h
//
// A directory that a repository's files are put into under their own names,
// with what huggingface_hub keeps beside them, D = .cache/huggingface:
//
//   PATH                   contents
//   D/download/PATH.metadata
//                          commit, ETag and time in seconds, a line each
//   D/download/PATH.lock
//   D/download/DIR/HASH.ETAG.incomplete
//                          another client's partial file; HASH is the URL-safe
//                          base64 of the SHA-1 of "NAME.metadata"
//   D/download/DIR/HASH.ETAG.ranges.incomplete
//                          our partial file, with its record beside it
//   D/trees/COMMIT.json    the files of the commit, see tree_cache.h
//
// Source: huggingface_hub, _local_folder.py (2026).

#ifndef FETCH_CACHE_LOCAL_DIRECTORY_H_
#define FETCH_CACHE_LOCAL_DIRECTORY_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fetch/cache/range_record.h"

namespace fetch {

// What a local directory knows about one of its files.
struct LocalMetadata {
  std::string commit;
  std::string etag;
  absl::Time time;  // when the file was known to be of that ETag
};

// Paths of files must have passed the check of repo_path.h.
class LocalDirectory {
 public:
  explicit LocalDirectory(absl::string_view directory);

  const std::string& directory() const { return directory_; }
  std::string TreePath(absl::string_view commit) const;
  absl::StatusOr<DownloadPaths> FilePaths(absl::string_view path,
                                          absl::string_view etag) const;

  // Nullopt if there is none, if it is malformed, or if the file has gone or
  // was changed after the metadata was written.
  std::optional<LocalMetadata> ReadMetadata(absl::string_view path) const;
  absl::Status WriteMetadata(absl::string_view path,
                             const LocalMetadata& metadata) const;

  // Makes the directories for the file, its metadata and the trees, the
  // directory's tag and its .gitignore.
  absl::Status Prepare(absl::string_view path) const;

 private:
  std::string MetadataPath(absl::string_view path) const;

  std::string directory_;
  std::string hub_directory_;  // directory_/.cache/huggingface
};

}  // namespace fetch

#endif  // FETCH_CACHE_LOCAL_DIRECTORY_H_
