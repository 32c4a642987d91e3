// File: fetch/protocol/retry.h
//
// What becomes of a request that has no success: it is redirected, or tried
// again after a pause.

#ifndef FETCH_PROTOCOL_RETRY_H_
#define FETCH_PROTOCOL_RETRY_H_

#include <optional>

#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"
#include "fetch/protocol/http_message.h"

namespace fetch {

struct RetryPolicy {
  int max_tries = 6;
  absl::Duration first_backoff = absl::Milliseconds(500);
  absl::Duration max_backoff = absl::Minutes(5);
};

// True for the status codes of a server that is busy or broken for now: 408,
// 425, 429 and 5xx but for 501 and 505.
bool IsTransientStatus(int status);

// True for the status codes that lead to another address.
bool IsRedirect(int status);

// The pause that the server asks for: Retry-After in seconds or as a date, or
// a used-up RateLimit (`"api";r=0;t=55`). Nullopt if it asks for none.
std::optional<absl::Duration> RequestedPause(const HttpResponse& response,
                                             absl::Time now);

// How often a request may be redirected.
inline constexpr int kMaxRedirects = 10;

// The pause after the failure with this number, from 1: it doubles from
// policy.first_backoff up to 30 s, of which a random part of at most a half is
// taken off, so that many clients do not come back at once.
absl::Duration Backoff(const RetryPolicy& policy, int failures,
                       absl::BitGenRef random);

}  // namespace fetch

#endif  // FETCH_PROTOCOL_RETRY_H_
