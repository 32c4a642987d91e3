// File: fetch/cache/file_verifier.h
//
// Whether files whose contents are not certain are what they should be: after
// a crash of the machine, of unknown origin, or small.

#ifndef FETCH_CACHE_FILE_VERIFIER_H_
#define FETCH_CACHE_FILE_VERIFIER_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fetch/observer.h"
#include "fetch/protocol/repo_listing.h"

namespace fetch {

// For one call. Thread-compatible.
class FileVerifier {
 public:
  // `observer` must outlive this. It is told of files that take a while, and
  // asked whether to go on.
  explicit FileVerifier(const FetchObserver* observer) : observer_(observer) {}

  // Whether the file at `path` has the contents that are listed; false if it
  // can't be read. Each file is hashed once. Errors: Cancelled; Unavailable if
  // there is no such hash here.
  absl::StatusOr<bool> HasContents(const std::string& path,
                                   const RepoFile& file);

  // Copies a file, as far as it is not cancelled. On error there is no copy.
  absl::Status Copy(const std::string& from, const std::string& to) const;

 private:
  absl::Status CheckCancelled() const;
  absl::StatusOr<bool> Hash(const std::string& path,
                            const RepoFile& file) const;

  const FetchObserver* const observer_;
  absl::flat_hash_map<std::string, bool> checked_;
};

}  // namespace fetch

#endif  // FETCH_CACHE_FILE_VERIFIER_H_
