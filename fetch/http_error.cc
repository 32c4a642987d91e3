#include "fetch/http_error.h"

#include <curl/curl.h>

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fetch/hub_url.h"

namespace fetch {
namespace {

enum class Failure { kConnection, kTls, kCertificate, kProxy, kOther };

Failure Classify(int code, absl::string_view detail) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return Failure::kCertificate;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
      return Failure::kTls;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
      return Failure::kProxy;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_OUT_OF_MEMORY:
      return Failure::kOther;
    default:
      return absl::StrContains(absl::AsciiStrToLower(detail), "proxy")
                 ? Failure::kProxy
                 : Failure::kConnection;
  }
}

// The variable by which libcurl finds a proxy for this URL; empty if none is
// set. The value may hold a password and is not shown.
absl::string_view ProxyVariable(absl::string_view url) {
  const bool https = absl::StartsWithIgnoreCase(url, "https:");
  for (const char* name :
       {https ? "https_proxy" : "http_proxy", https ? "HTTPS_PROXY" : "",
        "all_proxy", "ALL_PROXY"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return name;
  }
  return "";
}

std::string Advice(Failure failure, absl::string_view url) {
  const absl::string_view proxy = ProxyVariable(url);
  switch (failure) {
    case Failure::kCertificate:
      return ". The server's certificate is not trusted; if a mirror or proxy "
             "here has its own authority, set SSL_CERT_FILE to a file with its "
             "certificate";
    case Failure::kProxy:
      return absl::StrCat(". The proxy failed; check ",
                          proxy.empty() ? "https_proxy" : proxy,
                          ", or list the host in no_proxy");
    case Failure::kConnection:
    case Failure::kTls:
      if (proxy.empty()) return "";
      return absl::StrCat(" (through the proxy of ", proxy, ")");
    case Failure::kOther:
      return "";
  }
  return "";
}

}  // namespace

HttpOutcome OutcomeOf(int code, absl::string_view detail,
                      absl::string_view url) {
  if (code == CURLE_OK) return {absl::OkStatus(), true};
  const Failure failure = Classify(code, detail);
  const absl::string_view reason =
      detail.empty() ? curl_easy_strerror(static_cast<CURLcode>(code)) : detail;
  HttpOutcome outcome;
  outcome.may_retry =
      failure == Failure::kConnection || failure == Failure::kTls;
  outcome.status = absl::UnavailableError(absl::StrCat(
      "cannot read ", PrintableUrl(url), ": ", reason, Advice(failure, url)));
  return outcome;
}

HttpOutcome StalledOutcome(absl::string_view url, absl::Duration timeout) {
  HttpOutcome outcome;
  outcome.status = absl::UnavailableError(
      absl::StrCat("cannot read ", PrintableUrl(url), ": nothing came for ",
                   absl::FormatDuration(timeout)));
  return outcome;
}

}  // namespace fetch
