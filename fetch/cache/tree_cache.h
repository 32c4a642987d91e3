// File: fetch/cache/tree_cache.h
//
// The list of a commit's files as a file, so that it is known offline what
// belongs to a snapshot. The format is huggingface_hub's (_tree_cache.py):
//
//   {"format_version": 1,
//    "files": {PATH: {"size": N, "blob_id": SHA1,
//                     "lfs_sha256": SHA256, "lfs_size": N, "xet_hash": HASH}}}
//
// with the last three only where the file has them.

#ifndef FETCH_CACHE_TREE_CACHE_H_
#define FETCH_CACHE_TREE_CACHE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "fetch/protocol/repo_listing.h"

namespace fetch {

std::string FormatTree(const RepoListing& listing);

// Nullopt if the text is not a tree of this format, or if a file in it would be
// refused from the hub.
std::optional<RepoListing> ParseTree(absl::string_view text,
                                     absl::string_view commit);

// The same from and to the file at `path`.
std::optional<RepoListing> ReadTree(const std::string& path,
                                    absl::string_view commit);
absl::Status WriteTree(const std::string& path, const RepoListing& listing);

}  // namespace fetch

#endif  // FETCH_CACHE_TREE_CACHE_H_
