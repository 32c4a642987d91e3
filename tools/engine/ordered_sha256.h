// File: tools/engine/ordered_sha256.h
//
// The SHA-256 of a file whose parts are written out of order by many threads,
// computed while they are at hand.

#ifndef TOOLS_ENGINE_ORDERED_SHA256_H_
#define TOOLS_ENGINE_ORDERED_SHA256_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/digest.h"

namespace make_gguf {

// Parts that arrive ahead of their turn are kept, up to a limit; beyond it
// only their place is kept, that of neighbours in one, and they are read back
// from the file when their turn comes. One thread at a time hashes, the others
// go on with their work. Thread-safe.
class OrderedSha256 {
 public:
  // Reads back `out.size()` bytes at `offset` of the file.
  using ReadBack =
      std::function<absl::Status(uint64_t offset, absl::Span<uint8_t> out)>;

  // Keeps at most about `pending_limit` bytes of parts ahead of their turn.
  OrderedSha256(uint64_t pending_limit, ReadBack read_back);

  // The bytes at `offset`, which the file already holds. Each byte of the file
  // must be added exactly once before Finish.
  absl::Status Add(uint64_t offset, absl::Span<const uint8_t> bytes);

  // The digest of bytes [0, size) in hexadecimal, after all have been added
  // and no other call is running.
  absl::StatusOr<std::string> Finish(uint64_t size);

 private:
  struct Part {
    uint64_t size = 0;
    std::vector<uint8_t> bytes;  // empty: to be read back
  };

  bool TakeTurn(uint64_t offset);
  void Keep(uint64_t offset, absl::Span<const uint8_t> bytes);
  absl::Status HashPending(uint64_t end);
  void KeepPlace(uint64_t offset, uint64_t size)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status HashPart(uint64_t offset, const Part& part);
  absl::Status HashReadBack(uint64_t offset, uint64_t size);

  const uint64_t pending_limit_;
  const ReadBack read_back_;
  // Used by the one thread that holds `hashing_`.
  base::Sha256 hash_;

  absl::Mutex mutex_;
  bool hashing_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 0;  // all before it is hashed
  uint64_t pending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Part> pending_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_ORDERED_SHA256_H_
