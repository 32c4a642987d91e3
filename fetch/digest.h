// File: fetch/digest.h
//
// The two hashes by which the hub names contents: SHA-256 for files in large
// file storage, and git's blob SHA-1 (over "blob SIZE\0" and the contents) for
// all others. Plain SHA-1 enters file names of a local directory. Computed by
// libcrypto.

#ifndef FETCH_DIGEST_H_
#define FETCH_DIGEST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct evp_md_ctx_st;  // libcrypto's EVP_MD_CTX

namespace fetch {

enum class DigestKind { kSha256, kGitBlobSha1, kSha1 };

absl::string_view DigestName(DigestKind kind);

// Hashes contents as they come. Not safe for use from two threads at once.
class Digest {
 public:
  // `size` is that of the whole contents; it enters a git blob's hash.
  // Unavailable if libcrypto does not offer the hash (a FIPS policy may take
  // SHA-1 away).
  static absl::StatusOr<Digest> Create(DigestKind kind, uint64_t size);

  Digest(Digest&&) = default;
  Digest& operator=(Digest&&) = default;

  void Update(const void* data, size_t size);

  // The hash in lower-case hexadecimal. Call once; nothing may follow.
  std::string HexFinish();

 private:
  struct ContextFree {
    void operator()(evp_md_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_md_ctx_st, ContextFree>;

  explicit Digest(Context context) : context_(std::move(context)) {}

  Context context_;
};

// The hash of contents in memory, for short texts.
absl::StatusOr<std::string> HexDigest(DigestKind kind, absl::string_view data);

}  // namespace fetch

#endif  // FETCH_DIGEST_H_
