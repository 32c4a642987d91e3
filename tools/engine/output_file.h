// File: tools/engine/output_file.h
//
// An output that is being written: a gguf::Writer whose bytes are also
// digested, in whatever order they come.

#ifndef TOOLS_ENGINE_OUTPUT_FILE_H_
#define TOOLS_ENGINE_OUTPUT_FILE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "gguf/writer.h"
#include "tools/engine/ordered_sha256.h"

namespace make_gguf {

class OutputFile {
 public:
  // Keeps up to `pending_limit` bytes in memory for the digest. `stop`, which
  // outlives the file, ends a long read for the digest.
  OutputFile(std::unique_ptr<gguf::Writer> writer, uint64_t pending_limit,
             const std::atomic<bool>& stop);

  // Digests the header, and frees it. Before anything else.
  absl::Status Begin();
  // Writes bytes of a tensor. All bytes of each tensor are to be given exactly
  // once, by Write or by Keep. Thread-safe.
  absl::Status Write(size_t tensor, uint64_t offset,
                     absl::Span<const uint8_t> bytes);
  // Takes `bytes`, which ReadBack found in the resumed file, as written.
  // Thread-safe.
  absl::Status Keep(size_t tensor, uint64_t offset,
                    absl::Span<const uint8_t> bytes);
  absl::Status ReadBack(size_t tensor, uint64_t offset,
                        absl::Span<uint8_t> bytes) const;

  // Begins to bring to disk what was written so far, without waiting.
  // Thread-safe.
  void StartWriteback() { writer_->StartWriteback(); }
  // Completes the digest and brings all bytes to disk. After the last Write.
  absl::Status Finish();
  // Gives the finished file its final name.
  absl::Status Commit() { return writer_->Commit(); }

  const gguf::Writer& writer() const { return *writer_; }
  // In hexadecimal, after Finish.
  const std::string& sha256() const { return sha256_; }

 private:
  absl::Status Digest(size_t tensor, uint64_t offset,
                      absl::Span<const uint8_t> bytes);
  absl::Status ReadFile(uint64_t offset, absl::Span<uint8_t> out) const;

  const std::unique_ptr<gguf::Writer> writer_;
  const std::atomic<bool>& stop_;
  OrderedSha256 hash_;
  std::string sha256_;
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_OUTPUT_FILE_H_
