#include "fetch/protocol/retry.h"

#include <optional>
#include <string>

#include "absl/random/random.h"
#include "absl/time/time.h"
#include "fetch/protocol/http_message.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

std::optional<absl::Duration> PauseOf(const std::string& name,
                                      const std::string& value) {
  HttpResponse response;
  response.headers[name] = value;
  // Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110's example of a date.
  return RequestedPause(response, absl::FromUnixSeconds(784111777));
}

TEST(RetryTest, RequestedPauses) {
  EXPECT_EQ(PauseOf("retry-after", "120"), absl::Seconds(120));
  EXPECT_EQ(PauseOf("retry-after", "-5"), absl::ZeroDuration());
  EXPECT_EQ(PauseOf("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"),
            absl::Seconds(30));
  EXPECT_EQ(PauseOf("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"),
            absl::ZeroDuration());
  EXPECT_EQ(PauseOf("retry-after", "soon"), std::nullopt);
  EXPECT_EQ(PauseOf("ratelimit", "\"api\";r=0;t=55"), absl::Seconds(55));
  EXPECT_EQ(PauseOf("ratelimit", "\"api\";r=3;t=55"), std::nullopt);
  EXPECT_EQ(PauseOf("x", "y"), std::nullopt);
}

TEST(RetryTest, TransientStatuses) {
  for (int status : {408, 425, 429, 500, 502, 503, 504, 599}) {
    EXPECT_TRUE(IsTransientStatus(status)) << status;
  }
  for (int status : {200, 302, 400, 401, 403, 404, 416, 501, 505}) {
    EXPECT_FALSE(IsTransientStatus(status)) << status;
  }
}

TEST(RetryTest, BackoffDoublesWithJitter) {
  RetryPolicy policy;
  policy.first_backoff = absl::Seconds(1);
  absl::BitGen random;
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration first = Backoff(policy, 1, random);
    EXPECT_GE(first, absl::Milliseconds(500));
    EXPECT_LE(first, absl::Seconds(1));
    const absl::Duration third = Backoff(policy, 3, random);
    EXPECT_GE(third, absl::Seconds(2));
    EXPECT_LE(third, absl::Seconds(4));
    EXPECT_LE(Backoff(policy, 1000, random), absl::Seconds(30));
  }
  EXPECT_NE(Backoff(policy, 1, random), Backoff(policy, 1, random));
}

}  // namespace
}  // namespace fetch
