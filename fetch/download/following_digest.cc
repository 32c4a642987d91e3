#include "fetch/download/following_digest.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/work_queue.h"

namespace fetch {
namespace {

// A task is worth its overhead from this many bytes on.
constexpr uint64_t kStep = uint64_t{4} << 20;
constexpr size_t kReadBuffer = size_t{256} << 10;

}  // namespace

struct FollowingDigest::State {
  State(int fd_in, base::Digest digest_in, uint64_t size_in,
        base::WorkQueue* queue_in, std::function<void()> wake_in)
      : fd(fd_in),
        size(size_in),
        queue(queue_in),
        wake(std::move(wake_in)),
        digest(std::move(digest_in)) {}
  ~State() { close(fd); }

  const int fd;
  const uint64_t size;
  base::WorkQueue* const queue;
  const std::function<void()> wake;
  base::Digest digest;    // the running task's
  uint64_t position = 0;  // the running task's; hashed so far

  absl::Mutex mutex;
  uint64_t end ABSL_GUARDED_BY(mutex) = 0;  // bytes before it are there
  uint64_t hashed ABSL_GUARDED_BY(mutex) = 0;
  bool running ABSL_GUARDED_BY(mutex) = false;
  bool abandoned ABSL_GUARDED_BY(mutex) = false;
  std::optional<absl::StatusOr<std::string>> result ABSL_GUARDED_BY(mutex);

  absl::Status HashTo(uint64_t limit);
  void Step();
};

// Reads and hashes from `position` up to `limit`.
absl::Status FollowingDigest::State::HashTo(uint64_t limit) {
  std::vector<uint8_t> buffer(
      std::min<uint64_t>(kReadBuffer, limit - position));
  while (position < limit) {
    const absl::Span<uint8_t> wanted(
        buffer.data(), std::min<uint64_t>(buffer.size(), limit - position));
    const int64_t got = base::ReadFully(fd, wanted, position);
    if (got < 0) {
      return base::FileError(static_cast<int>(-got), "read back",
                             "the partial file");
    }
    if (got != static_cast<int64_t>(wanted.size())) {
      return absl::DataLossError(
          absl::StrCat("the partial file ends at byte ", position + got,
                       ", expected ", size, ": something else has changed it"));
    }
    digest.Update(wanted);
    position += wanted.size();
  }
  return absl::OkStatus();
}

// Runs until it has caught up. Steps are short, so that whoever abandons it
// does not wait.
void FollowingDigest::State::Step() {
  while (true) {
    uint64_t limit;
    {
      absl::MutexLock lock(&mutex);
      hashed = position;
      limit = std::min(end, position + kStep);
      if (abandoned || (position == limit && position < size)) {
        running = false;
        return;
      }
    }
    const uint64_t begin = position;
    const absl::Status status = HashTo(limit);
    // So that little is left to flush when the file is complete.
    if (size > kStep) base::StartWriteback(fd, begin, position);
    if (status.ok() && position < size) continue;
    absl::MutexLock lock(&mutex);
    if (status.ok()) {
      result.emplace(digest.Finish());
    } else {
      result.emplace(status);
    }
    if (!abandoned) wake();
    return;  // `running` stays set: there is nothing left to do
  }
}

absl::StatusOr<std::unique_ptr<FollowingDigest>> FollowingDigest::Create(
    int fd, base::DigestKind kind, uint64_t size, base::WorkQueue* queue,
    std::function<void()> wake) {
  ASSIGN_OR_RETURN(base::Digest digest, base::Digest::Create(kind, size));
  const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return base::FileError(errno, "duplicate", "a file descriptor");
  std::unique_ptr<FollowingDigest> following(
      new FollowingDigest(std::make_shared<State>(own, std::move(digest), size,
                                                  queue, std::move(wake))));
  return following;
}

FollowingDigest::~FollowingDigest() {
  absl::MutexLock lock(&state_->mutex);
  state_->abandoned = true;
}

void FollowingDigest::Advance(uint64_t end) {
  {
    absl::MutexLock lock(&state_->mutex);
    state_->end = std::max(state_->end, std::min(end, state_->size));
    const bool enough =
        state_->end == state_->size || state_->end - state_->hashed >= kStep;
    if (state_->running || !enough) return;
    state_->running = true;
  }
  state_->queue->Add([state = state_] { state->Step(); });
}

std::optional<absl::StatusOr<std::string>> FollowingDigest::Result() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->result;
}

}  // namespace fetch
