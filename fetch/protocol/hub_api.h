// File: fetch/protocol/hub_api.h
//
// The two questions that a download asks the hub's API: which commit is a
// revision, and which files does a commit have.

#ifndef FETCH_PROTOCOL_HUB_API_H_
#define FETCH_PROTOCOL_HUB_API_H_

#include <string>

#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fetch/observer.h"
#include "fetch/protocol/http_client.h"
#include "fetch/protocol/hub_error.h"
#include "fetch/protocol/repo_listing.h"
#include "fetch/protocol/retry.h"

namespace fetch {

// Retries and follows redirects; the token goes to the endpoint's origin only.
class HubApi {
 public:
  // `client` and `observer` must outlive this.
  HubApi(HttpClient* client, const HubTarget& target, const RetryPolicy& policy,
         const FetchObserver* observer);

  // The commit that the target's revision is at now.
  absl::StatusOr<std::string> ResolveRevision();

  // All files of `commit`, by path. Directories are left out. A name or hash
  // that is refused (see repo_listing.h) is an error for the whole list, so
  // that nobody works with half a repository.
  absl::StatusOr<RepoListing> ListFiles(absl::string_view commit);

 private:
  absl::StatusOr<HttpPage> Get(std::string url);
  absl::StatusOr<HttpPage> GetOnce(std::string url, bool* may_retry);
  absl::Status Pause(absl::Duration pause, const absl::Status& why);

  HttpClient* const client_;
  const HubTarget target_;
  const RetryPolicy policy_;
  const FetchObserver* const observer_;
  absl::BitGen random_;
};

// The address in a `Link: <URL>; rel="next"` header; empty if there is none.
std::string NextPage(absl::string_view link_header);

}  // namespace fetch

#endif  // FETCH_PROTOCOL_HUB_API_H_
