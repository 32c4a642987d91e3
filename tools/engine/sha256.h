// File: tools/engine/sha256.h
//
// SHA-256 of bytes that come piece by piece.

#ifndef TOOLS_ENGINE_SHA256_H_
#define TOOLS_ENGINE_SHA256_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "openssl/evp.h"

namespace make_gguf {

class Sha256 {
 public:
  Sha256();
  void Update(absl::Span<const uint8_t> bytes);
  void Update(absl::string_view bytes);
  // The digest of all bytes given, in hexadecimal. Once, at the end.
  std::string Finish();

 private:
  struct Deleter {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Deleter> context_;
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_SHA256_H_
