// File: fetch/protocol/http_message.h
//
// What is asked of an HTTP server, what it answers, and how that may fail.

#ifndef FETCH_PROTOCOL_HTTP_MESSAGE_H_
#define FETCH_PROTOCOL_HTTP_MESSAGE_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/range_set.h"

namespace fetch {

struct HttpRequest {
  std::string url;
  std::string bearer_token;          // a secret; sent if not empty
  std::optional<base::Range> range;  // not empty; asks for these bytes only
  std::string if_match;  // an ETag with its quotes; sent if not empty
};

struct HttpResponse {
  std::string url;
  int status = 0;                              // 0 before there is one
  std::map<std::string, std::string> headers;  // names in lower case

  // Empty if there is no such header. `name` in lower case.
  absl::string_view Header(absl::string_view name) const;
};

// How a transfer ended. OK whenever a whole response came, whatever its status
// code. The message names the host, and what to do about proxies and TLS.
struct HttpOutcome {
  absl::Status status;
  bool may_retry = true;  // false if trying again cannot help
};

}  // namespace fetch

#endif  // FETCH_PROTOCOL_HTTP_MESSAGE_H_
