#include "fetch/environment.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "fetch/fetch_options.h"
#include "fetch/protocol/hub_url.h"

namespace fetch {
namespace {

constexpr char kDefaultEndpoint[] = "https://huggingface.co";
constexpr size_t kMaxTokenBytes = 1 << 16;

// The first of the variables that is set to something; empty if none is.
std::string FirstOf(const GetVariable& variable,
                    std::initializer_list<absl::string_view> names) {
  for (absl::string_view name : names) {
    const std::optional<std::string> value = variable(name);
    if (value.has_value() && !value->empty()) return *value;
  }
  return "";
}

bool IsTrue(absl::string_view value) {
  const std::string upper = absl::AsciiStrToUpper(value);
  return upper == "1" || upper == "ON" || upper == "YES" || upper == "TRUE";
}

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// Expands a leading "~" and the variables that are set; as in a shell's path
// setting, but unset variables stay as they are.
std::string ExpandPath(const GetVariable& variable, absl::string_view path) {
  std::string result;
  if (path == "~" || absl::StartsWith(path, "~/")) {
    result = FirstOf(variable, {"HOME"});
    path.remove_prefix(1);
  }
  while (!path.empty()) {
    const size_t dollar = std::min(path.find('$'), path.size());
    absl::StrAppend(&result, path.substr(0, dollar));
    path.remove_prefix(dollar);
    if (path.empty()) break;
    const bool braced = absl::StartsWith(path, "${");
    const absl::string_view rest = path.substr(braced ? 2 : 1);
    const size_t length =
        std::find_if_not(rest.begin(), rest.end(), IsNameCharacter) -
        rest.begin();
    const size_t used = (braced ? 3 : 1) + length;
    const bool closed = !braced || rest.substr(length, 1) == "}";
    const std::optional<std::string> value =
        closed && length > 0 ? variable(rest.substr(0, length)) : std::nullopt;
    absl::StrAppend(&result, value.has_value()
                                 ? absl::string_view(*value)
                                 : path.substr(0, closed ? used : 1));
    path.remove_prefix(value.has_value() || closed ? used : 1);
  }
  return result;
}

// The token in a file; none if there is no such file.
absl::StatusOr<Token> TokenFromFile(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0) return Token();
  const absl::StatusOr<std::string> text = base::ReadFile(path, kMaxTokenBytes);
  if (!text.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read the token file ", path,
                     "; make it readable, or set HF_TOKEN or HF_TOKEN_PATH"));
  }
  const std::string source = absl::StrCat("the token file ", path);
  const absl::StatusOr<std::string> value = CleanToken(*text, source);
  if (!value.ok()) return value.status();
  return Token{*value, source};
}

absl::StatusOr<Token> FindToken(const GetVariable& variable,
                                const std::string& home) {
  if (IsTrue(FirstOf(variable, {"HF_HUB_DISABLE_IMPLICIT_TOKEN"}))) {
    return Token();
  }
  for (absl::string_view name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    const absl::StatusOr<std::string> value =
        CleanToken(FirstOf(variable, {name}), name);
    if (!value.ok()) return value.status();
    if (!value->empty()) return Token{*value, std::string(name)};
  }
  std::string path = ExpandPath(variable, FirstOf(variable, {"HF_TOKEN_PATH"}));
  if (path.empty()) path = absl::StrCat(home, "/token");
  return TokenFromFile(path);
}

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

GetVariable ProcessEnvironment() {
  return [](absl::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

absl::StatusOr<std::string> CleanToken(absl::string_view text,
                                       absl::string_view source) {
  const std::string token(absl::StripAsciiWhitespace(
      absl::StrReplaceAll(text, {{"\r", ""}, {"\n", ""}})));
  const bool printable =
      std::all_of(token.begin(), token.end(),
                  [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!printable) {
    return absl::InvalidArgumentError(
        absl::StrCat(source,
                     " does not hold an access token: it has blanks or "
                     "characters that no token has"));
  }
  return token;
}

absl::StatusOr<Environment> ReadEnvironment(const GetVariable& variable) {
  std::string home = ExpandPath(variable, FirstOf(variable, {"HF_HOME"}));
  if (home.empty()) {
    std::string base =
        ExpandPath(variable, FirstOf(variable, {"XDG_CACHE_HOME"}));
    if (base.empty()) base = ExpandPath(variable, "~/.cache");
    home = absl::StrCat(base, "/huggingface");
  }
  Environment environment;
  environment.endpoint = FirstOf(variable, {"HF_ENDPOINT"});
  if (environment.endpoint.empty()) environment.endpoint = kDefaultEndpoint;
  while (absl::EndsWith(environment.endpoint, "/")) {
    environment.endpoint.pop_back();
  }
  environment.cache_dir = ExpandPath(
      variable, FirstOf(variable, {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}));
  if (environment.cache_dir.empty()) {
    environment.cache_dir = absl::StrCat(home, "/hub");
  }
  const absl::StatusOr<Token> token = FindToken(variable, home);
  if (!token.ok()) return token.status();
  environment.token = *token;
  environment.offline =
      IsTrue(FirstOf(variable, {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}));
  environment.ca_bundle = ExpandPath(
      variable, FirstOf(variable, {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
                                   "SSL_CERT_FILE"}));
  return environment;
}

absl::StatusOr<Environment> EffectiveEnvironment(const FetchOptions& options) {
  ASSIGN_OR_RETURN(Environment environment,
                   ReadEnvironment(VariablesWith(options)));
  if (options.token.has_value()) {
    ASSIGN_OR_RETURN(environment.token.value,
                     CleanToken(*options.token, "--token"));
    environment.token.source = "--token";
  } else if (options.token_path.has_value() &&
             environment.token.value.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--token_path=", *options.token_path, ": there is no token there"));
  }
  environment.offline = options.offline.value_or(environment.offline);
  RETURN_IF_ERROR(Origin(environment.endpoint).status());
  return environment;
}

}  // namespace fetch
