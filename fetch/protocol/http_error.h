// File: fetch/protocol/http_error.h
//
// Failures to get any response: libcurl's result codes as statuses that say
// what to do about the network, proxies and certificates.

#ifndef FETCH_PROTOCOL_HTTP_ERROR_H_
#define FETCH_PROTOCOL_HTTP_ERROR_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fetch/protocol/http_message.h"

namespace fetch {

// `code` is a CURLcode, `detail` libcurl's text for this failure, `proxy` the
// one that was given instead of the environment's.
HttpOutcome OutcomeOf(int code, absl::string_view detail, absl::string_view url,
                      const std::optional<std::string>& proxy);

// No byte came from `url` for `timeout`.
HttpOutcome StalledOutcome(absl::string_view url, absl::Duration timeout);

}  // namespace fetch

#endif  // FETCH_PROTOCOL_HTTP_ERROR_H_
