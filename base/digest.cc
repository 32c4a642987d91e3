#include "base/digest.h"

#include <openssl/evp.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"

namespace base {

absl::string_view DigestName(DigestKind kind) {
  switch (kind) {
    case DigestKind::kSha256:
      return "SHA-256";
    case DigestKind::kGitBlobSha1:
      return "git blob SHA-1";
    case DigestKind::kSha1:
      return "SHA-1";
  }
  return "";
}

void Digest::ContextFree::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

absl::StatusOr<Digest> Digest::Create(DigestKind kind, uint64_t size) {
  Context context(EVP_MD_CTX_new());
  const EVP_MD* algorithm =
      kind == DigestKind::kSha256 ? EVP_sha256() : EVP_sha1();
  if (context == nullptr ||
      EVP_DigestInit_ex(context.get(), algorithm, nullptr) != 1) {
    return absl::UnavailableError(
        absl::StrCat("this system's libcrypto does not offer the ",
                     DigestName(kind)));
  }
  Digest digest(std::move(context));
  if (kind == DigestKind::kGitBlobSha1) {
    std::string header = absl::StrCat("blob ", size);
    header.push_back('\0');
    digest.Update(header);
  }
  return digest;
}

void Digest::Update(absl::Span<const uint8_t> bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

void Digest::Update(absl::string_view bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string Digest::Finish() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_DigestFinal_ex(context_.get(), bytes, &length);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes), length));
}

Sha256::Sha256() : Digest(*Digest::Create(DigestKind::kSha256, 0)) {}

absl::StatusOr<std::string> HexDigest(DigestKind kind, absl::string_view data) {
  ASSIGN_OR_RETURN(Digest digest, Digest::Create(kind, data.size()));
  digest.Update(data);
  return digest.Finish();
}

}  // namespace base
