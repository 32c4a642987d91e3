#include "fetch/protocol/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/random/bit_gen_ref.h"
#include "absl/random/random.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "fetch/protocol/http_message.h"

namespace fetch {
namespace {

constexpr absl::Duration kLongestOwnPause = absl::Seconds(30);

// The number after `name` among the parameters "r=0;t=55".
std::optional<int64_t> Parameter(absl::string_view header,
                                 absl::string_view name) {
  for (absl::string_view field : absl::StrSplit(header, ';')) {
    field = absl::StripAsciiWhitespace(field);
    int64_t value = 0;
    if (absl::ConsumePrefix(&field, name) && absl::SimpleAtoi(field, &value)) {
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace

bool IsTransientStatus(int status) {
  if (status == 408 || status == 425 || status == 429) return true;
  return status >= 500 && status != 501 && status != 505;
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 ||
         status == 308;
}

std::optional<absl::Duration> RequestedPause(const HttpResponse& response,
                                             absl::Time now) {
  const absl::string_view retry_after = response.Header("retry-after");
  int64_t seconds = 0;
  if (absl::SimpleAtoi(retry_after, &seconds)) {
    return absl::Seconds(std::max<int64_t>(seconds, 0));
  }
  if (!retry_after.empty()) {
    const time_t date = curl_getdate(std::string(retry_after).c_str(), nullptr);
    if (date >= 0) {
      return std::max(absl::FromTimeT(date) - now, absl::ZeroDuration());
    }
  }
  const absl::string_view limit = response.Header("ratelimit");
  if (Parameter(limit, "r=") == 0) {
    const std::optional<int64_t> reset = Parameter(limit, "t=");
    if (reset.has_value()) return absl::Seconds(std::max<int64_t>(*reset, 0));
  }
  return std::nullopt;
}

absl::Duration Backoff(const RetryPolicy& policy, int failures,
                       absl::BitGenRef random) {
  const int doublings = std::clamp(failures - 1, 0, 20);
  const absl::Duration full =
      std::min({policy.first_backoff * (int64_t{1} << doublings),
                policy.max_backoff, kLongestOwnPause});
  return full * absl::Uniform(random, 0.5, 1.0);
}

}  // namespace fetch
