// File: fetch/fetch.h
//
// Downloads what a conversion needs of a Hugging Face model repository and
// gives back the directory it is in. Shares its cache with huggingface_hub:
// what either has downloaded the other finds. An interrupted download goes on
// where it stopped, also in another process; every file is checked against the
// hash that the hub lists before it gets its name. Nothing that is downloaded
// is ever run.
//
//   fetch::FetchOptions options;
//   options.repo_id = "ORG/NAME";
//   absl::StatusOr<fetch::Snapshot> snapshot = fetch::FetchSnapshot(options);
//   if (!snapshot.ok()) return snapshot.status();
//   OpenCheckpoint(snapshot->directory);

#ifndef FETCH_FETCH_H_
#define FETCH_FETCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fetch/fetch_options.h"
#include "fetch/observer.h"

namespace fetch {

struct SnapshotFile {
  std::string path;             // in the repository
  uint64_t size = 0;            // bytes
  uint64_t bytes_to_fetch = 0;  // what is not on disk yet
};

struct SnapshotPlan {
  std::string commit;               // 40 hexadecimal digits
  std::string directory;            // where the files are or would be
  std::vector<SnapshotFile> files;  // those that are wanted, by path
  uint64_t total_bytes = 0;
  uint64_t bytes_to_fetch = 0;
};

struct Snapshot {
  std::string commit;               // 40 hexadecimal digits
  std::string directory;            // holds the files under their repo paths
  std::vector<SnapshotFile> files;  // bytes_to_fetch as it was before the call
  uint64_t total_bytes = 0;
  uint64_t received_bytes = 0;  // over the network, in this call
};

// True for "ORG/NAME" and "NAME" as the hub allows them, which a relative path
// may look like as well: ask the file system first. The snapshot's directory is
// named after the commit, so a model's name is to be taken from here.
bool IsRepoId(absl::string_view name);

// What FetchSnapshot would do; asks the hub for the list of files and changes
// nothing on disk. Errors as of FetchSnapshot.
absl::StatusOr<SnapshotPlan> PlanSnapshot(const FetchOptions& options,
                                          const FetchObserver& observer = {});

// Makes the wanted files of the revision be there and returns where. Safe to
// call from several threads and processes at once, also for one repository.
//
// Errors; each message says what to do:
//   InvalidArgument      a name, pattern or number in `options`, or a file name
//                        in the repository that is refused
//   Unauthenticated      401: no token, or one that the hub does not know
//   PermissionDenied     403: no access to a gated or private repository; or
//                        the file system refuses
//   NotFound             no such repository, revision or file, or no weights
//   FailedPrecondition   offline, and files are missing from the cache (listed)
//   ResourceExhausted    not enough space on the disk
//   DataLoss             a file's hash is wrong twice in a row
//   Unavailable          network, TLS, proxy or server failure after all tries
//   Cancelled            observer.cancelled said so
// What was downloaded before an error stays and is used by the next call.
absl::StatusOr<Snapshot> FetchSnapshot(const FetchOptions& options,
                                       const FetchObserver& observer = {});

}  // namespace fetch

#endif  // FETCH_FETCH_H_
