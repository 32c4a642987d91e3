// File: fetch/selection/offline_snapshot.h
//
// A snapshot without the network: from what is on the disk, or an error that
// lists what is not.

#ifndef FETCH_SELECTION_OFFLINE_SNAPSHOT_H_
#define FETCH_SELECTION_OFFLINE_SNAPSHOT_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fetch/protocol/repo_listing.h"

namespace fetch {

// A list made of the files that are in `directory`, links followed, with sizes
// but without hashes: for snapshots whose list of files is not kept.
RepoListing ListDirectory(const std::string& directory,
                          absl::string_view commit);

// The shards that a "*.index.json" among `files` names and that are not in
// `directory`.
std::vector<std::string> MissingShards(const std::string& directory,
                                       absl::Span<const RepoFile> files);

// FailedPrecondition that lists these files, at most ten by name, and says how
// to get them.
absl::Status MissingOffline(absl::string_view repo_id,
                            absl::string_view revision,
                            absl::Span<const std::string> paths);

}  // namespace fetch

#endif  // FETCH_SELECTION_OFFLINE_SNAPSHOT_H_
