#include "fetch/protocol/hub_error.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/printable.h"
#include "fetch/protocol/hub_url.h"

namespace fetch {
namespace {

// Which token the request had, for the user to find it.
std::string TokenUsed(const Token& token) {
  if (token.value.empty()) {
    return "No token was used: set HF_TOKEN, or log in with `hf auth login`";
  }
  return absl::StrCat("The token used is from ", token.source);
}

// What the server itself says, made safe for a terminal.
std::string ServerText(const HttpResponse& response) {
  const absl::string_view text = response.Header("x-error-message");
  if (text.empty()) return "";
  return absl::StrCat("; the hub says: ", base::Printable(text));
}

absl::Status AccessError(const HubTarget& target,
                         const HttpResponse& response) {
  const std::string hub = PrintableUrl(target.endpoint);
  const std::string page =
      PrintableUrl(absl::StrCat(target.endpoint, "/", target.repo_id));
  const absl::string_view code = response.Header("x-error-code");
  std::string text;
  if (code == "GatedRepo") {
    text =
        absl::StrCat("access to ", target.repo_id, " is gated: ask for it at ",
                     page, ", and use a token of the account that got it. ");
  } else if (absl::StrContains(response.Header("x-error-message"),
                               "Invalid credentials")) {
    text = absl::StrCat("the hub at ", hub, " does not know the token. ");
  } else {
    text = absl::StrCat(
        "there is no repository ", target.repo_id, " at ", hub,
        ", or it is private or gated: check the name, and whether the token's "
        "account and permissions allow to read ",
        page, ". ");
  }
  absl::StrAppend(&text, TokenUsed(target.token), " (HTTP ", response.status,
                  ")", ServerText(response));
  return response.status == 401 ? absl::UnauthenticatedError(text)
                                : absl::PermissionDeniedError(text);
}

absl::Status MissingError(const HubTarget& target, absl::string_view path,
                          const HttpResponse& response) {
  const absl::string_view code = response.Header("x-error-code");
  std::string text;
  if (code == "RevisionNotFound") {
    text = absl::StrCat(target.repo_id, " has no revision '", target.revision,
                        "': expected a branch, tag, commit hash or refs/pr/N");
  } else if (code == "EntryNotFound" || (code.empty() && !path.empty())) {
    text = absl::StrCat(target.repo_id, " has no file '", path,
                        "' at revision '", target.revision, "'");
  } else if (code == "RepoNotFound") {
    text = absl::StrCat("there is no repository ", target.repo_id, " at ",
                        PrintableUrl(target.endpoint));
  } else {
    text = absl::StrCat("there is no repository ", target.repo_id,
                        " with a revision '", target.revision, "' at ",
                        PrintableUrl(target.endpoint));
  }
  return absl::NotFoundError(absl::StrCat(text, " (HTTP ", response.status, ")",
                                          ServerText(response)));
}

}  // namespace

absl::Status HubError(const HubTarget& target, absl::string_view path,
                      const HttpResponse& response) {
  switch (response.status) {
    case 401:
    case 403:
      return AccessError(target, response);
    case 404:
    case 410:
      return MissingError(target, path, response);
    case 407:
      return absl::UnavailableError(
          "the proxy asks for a name and password (HTTP 407): put them into "
          "the proxy variable as http://NAME:PASSWORD@HOST:PORT");
    case 429:
      return absl::UnavailableError(absl::StrCat(
          "the hub limits how much may be asked of it (HTTP 429) and went on "
          "doing so: run again later, or with a token. ",
          TokenUsed(target.token), ServerText(response)));
    default:
      return absl::UnavailableError(
          absl::StrCat("unexpected answer HTTP ", response.status, " from ",
                       PrintableUrl(response.url), ServerText(response)));
  }
}

}  // namespace fetch
