// File: base/steady_clock.h

#ifndef BASE_STEADY_CLOCK_H_
#define BASE_STEADY_CLOCK_H_

#include <chrono>

#include "absl/time/time.h"

namespace base {

// Now, by a clock that nobody sets: for pauses, timeouts and rates. Its origin
// is arbitrary, so that it is to be compared with itself alone.
inline absl::Time SteadyNow() {
  return absl::UnixEpoch() +
         absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace base

#endif  // BASE_STEADY_CLOCK_H_
