// File: fetch/protocol/repo_listing.h
//
// The files of one commit of a repository, as the hub's API lists them.

#ifndef FETCH_PROTOCOL_REPO_LISTING_H_
#define FETCH_PROTOCOL_REPO_LISTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/digest.h"
#include "nlohmann/json_fwd.hpp"

namespace fetch {

struct RepoFile {
  std::string path;
  uint64_t size = 0;       // bytes of the contents, not of an LFS pointer
  std::string blob_id;     // git's SHA-1; of the pointer if the file is in LFS
  std::string lfs_sha256;  // of the contents; empty if the file is not in LFS
  std::string xet_hash;    // as the hub gave it; empty if there is none

  // The hash that the contents must have. The hub's ETag, and so the blob's
  // name in the cache, is the same.
  base::DigestKind digest_kind() const {
    return lfs_sha256.empty() ? base::DigestKind::kGitBlobSha1
                              : base::DigestKind::kSha256;
  }
  const std::string& etag() const {
    return lfs_sha256.empty() ? blob_id : lfs_sha256;
  }
};

struct RepoListing {
  std::string commit;           // 40 hexadecimal digits
  std::vector<RepoFile> files;  // by path
};

// InvalidArgument unless the name is safe (see repo_path.h) and the hashes have
// the form of hashes; they become names of files as well.
absl::Status ValidateRepoFile(const RepoFile& file);

// The member `key` of a listing's `object` if it is a string, else empty.
std::string TextOf(const nlohmann::json& object, absl::string_view key);

// Lower-case hexadecimal of exactly this many digits.
bool IsLowerHex(absl::string_view text, size_t digits);

}  // namespace fetch

#endif  // FETCH_PROTOCOL_REPO_LISTING_H_
