// File: fetch/hub_error.h
//
// What a hub's refusal means to the user: which of repository, revision and
// file is missing, where to ask for access, which token was used.

#ifndef FETCH_HUB_ERROR_H_
#define FETCH_HUB_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "fetch/environment.h"
#include "fetch/http_message.h"

namespace fetch {

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

#endif  // FETCH_HUB_ERROR_H_
