#include "fetch/effective_environment.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fetch/environment.h"
#include "fetch/fetch_options.h"
#include "fetch/hub_url.h"

namespace fetch {
namespace {

// The environment with what the options say instead of it.
GetVariable VariablesWith(const FetchOptions& options) {
  absl::flat_hash_map<std::string, std::string> set;
  const auto replace = [&set](const char* name,
                              const std::optional<std::string>& value) {
    if (value.has_value()) set[name] = *value;
  };
  if (options.home.has_value()) {
    // The directories below it are given by more special variables as well.
    for (const char* name :
         {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN_PATH"}) {
      set[name] = "";
    }
  }
  replace("HF_HOME", options.home);
  replace("HF_HUB_CACHE", options.cache_dir);
  replace("HF_ENDPOINT", options.endpoint);
  if (options.token_path.has_value()) {
    for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
                             "HF_HUB_DISABLE_IMPLICIT_TOKEN"}) {
      set[name] = "";
    }
  }
  replace("HF_TOKEN_PATH", options.token_path);
  // A token file that nobody asked for must not get in the way.
  if (options.token.has_value()) set["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1";
  return [set = std::move(set), process = ProcessEnvironment()](
             absl::string_view name) -> std::optional<std::string> {
    const auto found = set.find(name);
    if (found == set.end()) return process(name);
    return found->second;
  };
}

}  // namespace

absl::StatusOr<Environment> EffectiveEnvironment(const FetchOptions& options) {
  absl::StatusOr<Environment> environment =
      ReadEnvironment(VariablesWith(options));
  if (!environment.ok()) return environment;
  if (options.token.has_value()) {
    const absl::StatusOr<std::string> token =
        CleanToken(*options.token, "--token");
    if (!token.ok()) return token.status();
    environment->token = {*token, "--token"};
  } else if (options.token_path.has_value() &&
             environment->token.value.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--token_path=", *options.token_path, ": there is no token there"));
  }
  environment->offline = options.offline.value_or(environment->offline);
  const absl::StatusOr<std::string> origin = Origin(environment->endpoint);
  if (!origin.ok()) return origin.status();
  return environment;
}

}  // namespace fetch
