// File: fetch/protocol/hub_url.h
//
// Names and URLs of a Hugging Face hub: which repository names are valid, how
// the API and the files of a revision are addressed, and what a redirect may
// do. URLs are parsed by libcurl, so that what is checked here is what is
// requested there.

#ifndef FETCH_PROTOCOL_HUB_URL_H_
#define FETCH_PROTOCOL_HUB_URL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fetch {

// "ORG/NAME" or "NAME", by the hub's rules: letters, digits, "-", "_" and ".",
// at most 96 of them per part, no "--" or "..", neither "-" nor "." at an end.
absl::Status ValidateRepoId(absl::string_view repo_id);

// A branch, tag, commit or ref such as refs/pr/3. Refuses what git refuses in
// a ref name, so that it is also a safe relative path below `refs/`.
absl::Status ValidateRevision(absl::string_view revision);

// True for the 40 lower-case hexadecimal digits of a full commit hash.
bool IsCommitHash(absl::string_view revision);

// Percent-encodes all but letters, digits and "-_.~"; EscapePath keeps "/".
std::string EscapeSegment(absl::string_view text);
std::string EscapePath(absl::string_view path);

// `endpoint` is "https://huggingface.co" or a mirror, without a "/" at its end.
std::string RevisionApiUrl(absl::string_view endpoint,
                           absl::string_view repo_id,
                           absl::string_view revision);
std::string TreeApiUrl(absl::string_view endpoint, absl::string_view repo_id,
                       absl::string_view commit);
std::string ResolveUrl(absl::string_view endpoint, absl::string_view repo_id,
                       absl::string_view commit, absl::string_view path);

// "scheme://host:port" with the port always there; two URLs of one origin may
// see the same credentials. InvalidArgument for anything but http and https.
absl::StatusOr<std::string> Origin(absl::string_view url);

// True if both URLs are valid and of one origin.
bool SameOrigin(absl::string_view a, absl::string_view b);

// Where a response from `base` with the header `Location: location` leads.
// Refuses to go from https to http and to leave http(s).
absl::StatusOr<std::string> ResolveRedirect(absl::string_view base,
                                            absl::string_view location);

// The URL without query, fragment and user information: a signed URL's query
// and user information are secrets and never belong in a message.
std::string PrintableUrl(absl::string_view url);

}  // namespace fetch

#endif  // FETCH_PROTOCOL_HUB_URL_H_
