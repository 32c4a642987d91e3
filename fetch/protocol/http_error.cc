#include "fetch/protocol/http_error.h"

#include <curl/curl.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fetch/protocol/hub_url.h"

namespace fetch {
namespace {

enum class Failure { kConnection, kTls, kCertificate, kProxy, kOther };

// libcurl has one code for all that happens on the way to a proxy.
bool IsOfProxy(absl::string_view lower_detail) {
  return absl::StrContains(lower_detail, "proxy") ||
         absl::StrContains(lower_detail, "connect tunnel");
}

// True if the proxy answers CONNECT with a status that begins with `digits`.
bool ProxyAnswers(absl::string_view detail, absl::string_view digits) {
  return absl::StrContains(detail, absl::StrCat("response ", digits)) ||
         absl::StrContains(detail, absl::StrCat("HTTP code ", digits));
}

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
      return IsOfProxy(absl::AsciiStrToLower(detail)) ? Failure::kProxy
                                                      : Failure::kConnection;
  }
}

// What says which proxy is used for this URL; empty if there is none. The
// proxy's address may hold a password and is not shown.
absl::string_view ProxySetting(absl::string_view url,
                               const std::optional<std::string>& proxy) {
  if (proxy.has_value()) return proxy->empty() ? "" : "--proxy";
  const bool https = absl::StartsWithIgnoreCase(url, "https:");
  for (const char* name :
       {https ? "https_proxy" : "http_proxy", https ? "HTTPS_PROXY" : "",
        "all_proxy", "ALL_PROXY"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return name;
  }
  return "";
}

std::string ProxyAdvice(absl::string_view detail, absl::string_view setting) {
  if (ProxyAnswers(detail, "407")) {
    return absl::StrCat(
        ". The proxy asks for a name and password: put them into ", setting,
        " as http://NAME:PASSWORD@HOST:PORT");
  }
  return absl::StrCat(". The proxy failed; check ", setting,
                      ", or list the host in no_proxy");
}

std::string Advice(Failure failure, absl::string_view detail,
                   absl::string_view setting) {
  switch (failure) {
    case Failure::kCertificate:
      return ". The server's certificate is not trusted; if a mirror or proxy "
             "here has its own authority, set SSL_CERT_FILE to a file with its "
             "certificate";
    case Failure::kProxy:
      return ProxyAdvice(detail, setting.empty() ? "https_proxy" : setting);
    case Failure::kConnection:
    case Failure::kTls:
      if (setting.empty()) return "";
      return absl::StrCat(" (through the proxy of ", setting, ")");
    case Failure::kOther:
      return "";
  }
  return "";
}

}  // namespace

HttpOutcome OutcomeOf(int code, absl::string_view detail, absl::string_view url,
                      const std::optional<std::string>& proxy) {
  if (code == CURLE_OK) return {absl::OkStatus(), true};
  const Failure failure = Classify(code, detail);
  const absl::string_view reason =
      detail.empty() ? curl_easy_strerror(static_cast<CURLcode>(code)) : detail;
  HttpOutcome outcome;
  outcome.may_retry = failure == Failure::kConnection ||
                      failure == Failure::kTls ||
                      (failure == Failure::kProxy && ProxyAnswers(detail, "5"));
  outcome.status = absl::UnavailableError(
      absl::StrCat("cannot read ", PrintableUrl(url), ": ", reason,
                   Advice(failure, detail, ProxySetting(url, proxy))));
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
