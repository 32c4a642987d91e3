// File: base/digest.h
//
// Hashes of contents, by libcrypto: SHA-256; git's blob SHA-1 (over "blob
// SIZE\0" and the contents), by which the hub names small files; SHA-1.

#ifndef BASE_DIGEST_H_
#define BASE_DIGEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

struct evp_md_ctx_st;  // libcrypto's EVP_MD_CTX

namespace base {

enum class DigestKind { kSha256, kGitBlobSha1, kSha1 };

absl::string_view DigestName(DigestKind kind);

// Hashes contents that come piece by piece. Thread-compatible.
class Digest {
 public:
  // `size` is that of the whole contents; it enters a git blob's hash.
  // Unavailable if libcrypto does not offer the hash (a FIPS policy may take
  // SHA-1 away).
  static absl::StatusOr<Digest> Create(DigestKind kind, uint64_t size);

  Digest(Digest&&) = default;
  Digest& operator=(Digest&&) = default;

  void Update(absl::Span<const uint8_t> bytes);
  void Update(absl::string_view bytes);

  // The hash in lower-case hexadecimal. Call once; nothing may follow.
  std::string Finish();

 private:
  struct ContextFree {
    void operator()(evp_md_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_md_ctx_st, ContextFree>;

  explicit Digest(Context context) : context_(std::move(context)) {}

  Context context_;
};

// A SHA-256, which every libcrypto offers.
class Sha256 : public Digest {
 public:
  Sha256();
};

// The hash of contents in memory.
absl::StatusOr<std::string> HexDigest(DigestKind kind, absl::string_view data);

}  // namespace base

#endif  // BASE_DIGEST_H_
