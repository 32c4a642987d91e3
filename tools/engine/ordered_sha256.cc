#include "tools/engine/ordered_sha256.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace make_gguf {
namespace {

constexpr uint64_t kReadBackBytes = 256 << 10;
// Parts up to this size are always kept: the padding between tensors.
constexpr uint64_t kSmallPart = 256;

}  // namespace

OrderedSha256::OrderedSha256(uint64_t pending_limit, ReadBack read_back)
    : pending_limit_(pending_limit), read_back_(std::move(read_back)) {}

absl::Status OrderedSha256::Add(uint64_t offset,
                                absl::Span<const uint8_t> bytes) {
  if (bytes.empty()) return absl::OkStatus();
  if (TakeTurn(offset)) {
    hash_.Update(bytes);
    return HashPending(offset + bytes.size());
  }
  Keep(offset, bytes);
  // Its turn may have come meanwhile.
  return TakeTurn(offset) ? HashPending(offset) : absl::OkStatus();
}

void OrderedSha256::Keep(uint64_t offset, absl::Span<const uint8_t> bytes) {
  {
    absl::MutexLock lock(&mutex_);
    if (bytes.size() > kSmallPart &&
        pending_bytes_ + bytes.size() > pending_limit_) {
      return KeepPlace(offset, bytes.size());
    }
    pending_bytes_ += bytes.size();
  }
  // Copied while the others go on.
  Part part{bytes.size(), {bytes.begin(), bytes.end()}};
  absl::MutexLock lock(&mutex_);
  pending_.emplace(offset, std::move(part));
}

// Whether this thread is to hash, from `offset` on.
bool OrderedSha256::TakeTurn(uint64_t offset) {
  absl::MutexLock lock(&mutex_);
  if (hashing_ || offset != next_) return false;
  hashing_ = true;
  return true;
}

// Hashes until no part is there that comes next.
absl::Status OrderedSha256::HashPending(uint64_t end) {
  while (true) {
    Part part;
    {
      absl::MutexLock lock(&mutex_);
      next_ = end;
      const auto found = pending_.find(end);
      if (found == pending_.end()) {
        hashing_ = false;
        return absl::OkStatus();
      }
      part = std::move(found->second);
      pending_.erase(found);
      pending_bytes_ -= part.bytes.size();
    }
    RETURN_IF_ERROR(HashPart(end, part));
    end += part.size;
  }
}

absl::StatusOr<std::string> OrderedSha256::Finish(uint64_t size) {
  {
    absl::MutexLock lock(&mutex_);
    if (next_ != size || !pending_.empty()) {
      return absl::InternalError(absl::StrCat("only ", next_, " of ", size,
                                              " bytes were hashed in order"));
    }
  }
  return hash_.Finish();
}

void OrderedSha256::KeepPlace(uint64_t offset, uint64_t size) {
  const auto after = pending_.upper_bound(offset);
  if (after != pending_.end() && after->second.bytes.empty() &&
      after->first == offset + size) {
    size += after->second.size;
    pending_.erase(after);
  }
  auto before = pending_.lower_bound(offset);
  if (before != pending_.begin()) {
    --before;
    if (before->second.bytes.empty() &&
        before->first + before->second.size == offset) {
      before->second.size += size;
      return;
    }
  }
  pending_[offset].size = size;
}

absl::Status OrderedSha256::HashPart(uint64_t offset, const Part& part) {
  if (part.bytes.empty()) return HashReadBack(offset, part.size);
  hash_.Update(part.bytes);
  return absl::OkStatus();
}

absl::Status OrderedSha256::HashReadBack(uint64_t offset, uint64_t size) {
  std::vector<uint8_t> buffer(std::min(size, kReadBackBytes));
  for (uint64_t done = 0; done < size;) {
    const auto piece = absl::MakeSpan(buffer).first(
        std::min<uint64_t>(size - done, buffer.size()));
    RETURN_IF_ERROR(read_back_(offset + done, piece));
    hash_.Update(piece);
    done += piece.size();
  }
  return absl::OkStatus();
}

}  // namespace make_gguf
