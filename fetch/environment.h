// File: fetch/environment.h
//
// What the environment says about the hub, by huggingface_hub's rules, so that
// a machine set up for it needs nothing more:
//
//   endpoint   HF_ENDPOINT, else https://huggingface.co
//   home       HF_HOME, else $XDG_CACHE_HOME/huggingface, else
//              ~/.cache/huggingface
//   cache      HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else home/hub
//   token      HF_TOKEN, else HUGGING_FACE_HUB_TOKEN, else the contents of
//              HF_TOKEN_PATH or home/token; none of them if
//              HF_HUB_DISABLE_IMPLICIT_TOKEN is true
//   offline    HF_HUB_OFFLINE, else TRANSFORMERS_OFFLINE
//   CA bundle  REQUESTS_CA_BUNDLE, else CURL_CA_BUNDLE, else SSL_CERT_FILE
//
// A truth value is true if it is 1, ON, YES or TRUE in any case. In paths, a
// leading "~" and $NAME or ${NAME} are expanded. The proxy variables
// (https_proxy, HTTPS_PROXY, http_proxy, all_proxy, no_proxy ...) are read by
// libcurl itself.

#ifndef FETCH_ENVIRONMENT_H_
#define FETCH_ENVIRONMENT_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fetch/fetch_options.h"
#include "fetch/protocol/hub_error.h"

namespace fetch {

struct Environment {
  std::string endpoint;   // without "/" at its end
  std::string cache_dir;  // holds models--ORG--NAME directories
  Token token;
  bool offline = false;
  std::string ca_bundle;  // a file of certificates; empty for the system's
};

// Gives the value of a variable, nullopt if it is unset.
using GetVariable =
    std::function<std::optional<std::string>(absl::string_view)>;

// The process's environment.
GetVariable ProcessEnvironment();

// Reads the variables above and the token file. A token file that is there but
// cannot be read is an error, as is a token with impossible characters.
absl::StatusOr<Environment> ReadEnvironment(const GetVariable& variable);

// What holds for one call: the process's environment, but for what the options
// say. Errors: those of ReadEnvironment; InvalidArgument for a token or token
// file that was asked for and is none, or an endpoint that is no URL.
absl::StatusOr<Environment> EffectiveEnvironment(const FetchOptions& options);

// A token as huggingface_hub reads it: without line ends and outer blanks.
// InvalidArgument for characters that cannot stand in a header.
absl::StatusOr<std::string> CleanToken(absl::string_view text,
                                       absl::string_view source);

}  // namespace fetch

#endif  // FETCH_ENVIRONMENT_H_
