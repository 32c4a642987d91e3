// File: fetch/download/following_digest.h
//
// Hashes a file while it is being downloaded: follows behind the bytes that
// are there without a gap from the start, on a work queue's threads. What was
// written just before is read back from the page cache; what is hashed begins
// its way to the disk.

#ifndef FETCH_DOWNLOAD_FOLLOWING_DIGEST_H_
#define FETCH_DOWNLOAD_FOLLOWING_DIGEST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/digest.h"
#include "base/work_queue.h"

namespace fetch {

// Not thread-safe. Destroying it abandons the work; `fd` is duplicated, so it
// may be closed at any time.
class FollowingDigest {
 public:
  // Will call `wake`, from another thread, when there is a result. `queue` and
  // `wake` must outlive the queue's tasks.
  static absl::StatusOr<std::unique_ptr<FollowingDigest>> Create(
      int fd, base::DigestKind kind, uint64_t size, base::WorkQueue* queue,
      std::function<void()> wake);

  ~FollowingDigest();
  FollowingDigest(const FollowingDigest&) = delete;
  FollowingDigest& operator=(const FollowingDigest&) = delete;

  // All bytes before `end` are there. Cheap; call as often as you like.
  void Advance(uint64_t end);

  // The hash in hexadecimal, once all bytes are there and hashed; an error if
  // they could not be read.
  std::optional<absl::StatusOr<std::string>> Result() const;

 private:
  struct State;
  explicit FollowingDigest(std::shared_ptr<State> state)
      : state_(std::move(state)) {}

  const std::shared_ptr<State> state_;
};

}  // namespace fetch

#endif  // FETCH_DOWNLOAD_FOLLOWING_DIGEST_H_
