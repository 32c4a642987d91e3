// File: tools/engine/output_file.h
//
// An output that is being written: a partial file whose bytes are also
// digested, in whatever order they come.

#ifndef TOOLS_ENGINE_OUTPUT_FILE_H_
#define TOOLS_ENGINE_OUTPUT_FILE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "gguf/layout.h"
#include "tools/engine/ordered_sha256.h"
#include "tools/engine/partial_file.h"

namespace make_gguf {

class OutputFile {
 public:
  // `layout` outlives the file; its header is not looked at. Up to
  // `pending_limit` bytes are kept in memory for the digest. `stop`, which
  // outlives the file, ends a long read for the digest.
  OutputFile(std::unique_ptr<PartialFile> file, const gguf::Layout& layout,
             uint64_t pending_limit, const std::atomic<bool>& stop);
  // A file that an earlier job has finished and that was verified. It is
  // complete(), and left as it is.
  OutputFile(const gguf::Layout& layout, std::string sha256);

  // Digests the header. Before anything else, unless it is complete().
  absl::Status Begin(absl::Span<const uint8_t> header);
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
  void StartWriteback();
  // Completes the digest. After the last Write.
  absl::Status Finish();
  // Brings all bytes to disk. If that fails, nobody knows what is there, and
  // the system may say that all is well when it is asked again: the file is
  // removed, so that no job goes on with it.
  absl::Status Sync();
  // Gives the finished file its final name.
  absl::Status Rename();
  void Remove();

  // Whether it was whole before this job began.
  bool complete() const { return file_ == nullptr; }
  // Whether it may hold what an earlier job has written.
  bool resumed() const { return !complete() && file_->resumed(); }
  const gguf::Layout& layout() const { return layout_; }
  // In hexadecimal, after Finish.
  const std::string& sha256() const { return sha256_; }

 private:
  absl::Status Digest(size_t tensor, uint64_t offset,
                      absl::Span<const uint8_t> bytes);
  absl::Status ReadForDigest(uint64_t offset, absl::Span<uint8_t> out) const;

  const std::unique_ptr<PartialFile> file_;  // null if it is complete
  const gguf::Layout& layout_;
  const std::atomic<bool>* const stop_;
  OrderedSha256 hash_;
  std::string sha256_;
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_OUTPUT_FILE_H_
