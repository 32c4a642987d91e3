// File: fetch/download/connection_budget.h
//
// How many connections to have open now: few at first, more while the link
// shows that it can feed them, fewer when a server says it is too much.

#ifndef FETCH_DOWNLOAD_CONNECTION_BUDGET_H_
#define FETCH_DOWNLOAD_CONNECTION_BUDGET_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace fetch {

class ConnectionBudget {
 public:
  explicit ConnectionBudget(int limit)
      : limit_(std::max(limit, 1)), allowed_(std::min(limit_, 2)) {}

  int allowed() const { return allowed_; }

  // To be told what came, in bytes and in whole answers. Doubles the number
  // when the connections it now allows have brought enough in a quarter of a
  // second.
  void Received(uint64_t bytes, int answers, absl::Time now) {
    credit_ += bytes + static_cast<uint64_t>(answers) * kPerAnswer;
    if (now - since_ < kInterval) return;
    if (credit_ >= static_cast<uint64_t>(allowed_) * kPerConnection) {
      allowed_ = std::min(limit_, allowed_ * 2);
    }
    credit_ = 0;
    since_ = now;
  }

  // A server asked for less.
  void Throttled() { allowed_ = std::max(1, allowed_ / 2); }

 private:
  static constexpr absl::Duration kInterval = absl::Milliseconds(250);
  // In one interval: 128 KiB per second.
  static constexpr uint64_t kPerConnection = uint64_t{32} << 10;
  // Small files are bound by round trips, not by the link.
  static constexpr uint64_t kPerAnswer = uint64_t{32} << 10;

  const int limit_;
  int allowed_;
  uint64_t credit_ = 0;
  absl::Time since_ = absl::InfinitePast();
};

}  // namespace fetch

#endif  // FETCH_DOWNLOAD_CONNECTION_BUDGET_H_
