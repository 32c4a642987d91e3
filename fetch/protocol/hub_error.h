// File: fetch/protocol/hub_error.h
//
// What a hub's refusal means to the user: which of repository, revision and
// file is missing, where to ask for access, which token was used.

#ifndef FETCH_PROTOCOL_HUB_ERROR_H_
#define FETCH_PROTOCOL_HUB_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "fetch/protocol/http_message.h"

namespace fetch {

// An access token. The value is a secret: it belongs in the Authorization
// header of a request to the endpoint and nowhere else.
struct Token {
  std::string value;   // empty if there is none
  std::string source;  // for messages: "HF_TOKEN", "--token", a file's path
};

// What is being fetched, from where and by whom.
struct HubTarget {
  std::string endpoint;
  std::string repo_id;
  std::string revision;
  Token token;
};

// The status for a response that is neither a success nor a redirect. `path`
// is the file that was asked for, empty for the API. Never shows the token.
absl::Status HubError(const HubTarget& target, absl::string_view path,
                      const HttpResponse& response);

}  // namespace fetch

#endif  // FETCH_PROTOCOL_HUB_ERROR_H_
