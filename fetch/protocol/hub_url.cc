#include "fetch/protocol/hub_url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/printable.h"

namespace fetch {
namespace {

constexpr size_t kMaxNameLength = 96;
// Of an address in a message.
constexpr size_t kLongestShown = 2000;

struct UrlCleanup {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using ParsedUrl = std::unique_ptr<CURLU, UrlCleanup>;

// Null if libcurl cannot parse it.
ParsedUrl Parse(absl::string_view url) {
  ParsedUrl parsed(curl_url());
  if (parsed == nullptr ||
      curl_url_set(parsed.get(), CURLUPART_URL, std::string(url).c_str(), 0) !=
          CURLUE_OK) {
    return nullptr;
  }
  return parsed;
}

// Empty if the URL does not have this part.
std::string Part(CURLU* url, CURLUPart part, unsigned int flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string result = text;
  curl_free(text);
  return result;
}

bool IsNamePart(absl::string_view part) {
  if (part.empty() || part.size() > kMaxNameLength) return false;
  if (absl::StartsWith(part, "-") || absl::StartsWith(part, ".") ||
      absl::EndsWith(part, "-") || absl::EndsWith(part, ".")) {
    return false;
  }
  return std::all_of(part.begin(), part.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
  });
}

std::string Escape(absl::string_view text, bool keep_slash) {
  constexpr absl::string_view kHex = "0123456789ABCDEF";
  std::string result;
  for (unsigned char c : text) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' ||
        c == '~' || (keep_slash && c == '/')) {
      result.push_back(static_cast<char>(c));
    } else {
      result.push_back('%');
      result.push_back(kHex[c >> 4]);
      result.push_back(kHex[c & 15]);
    }
  }
  return result;
}

bool IsRevisionPart(absl::string_view part) {
  return !part.empty() && part[0] != '.' && !absl::EndsWith(part, ".") &&
         !absl::EndsWith(part, ".lock") && part.size() < 200;
}

}  // namespace

absl::Status ValidateRepoId(absl::string_view repo_id) {
  const std::vector<absl::string_view> parts = absl::StrSplit(repo_id, '/');
  const bool well_formed =
      parts.size() <= 2 && std::all_of(parts.begin(), parts.end(), IsNamePart);
  if (!well_formed || absl::StrContains(repo_id, "--") ||
      absl::StrContains(repo_id, "..") || absl::EndsWith(repo_id, ".git")) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", repo_id,
        "' is not the name of a repository: expected ORG/NAME of letters, "
        "digits, '-', '_' and '.', without '--' or '..'"));
  }
  return absl::OkStatus();
}

absl::Status ValidateRevision(absl::string_view revision) {
  const std::vector<absl::string_view> parts = absl::StrSplit(revision, '/');
  const bool safe_characters =
      std::all_of(revision.begin(), revision.end(), [](unsigned char c) {
        return c > ' ' && c != 0x7f && !absl::StrContains("~^:?*[\\", c);
      });
  if (!safe_characters || absl::StrContains(revision, "..") ||
      absl::StrContains(revision, "@{") ||
      !std::all_of(parts.begin(), parts.end(), IsRevisionPart)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", revision,
                     "' is not a revision: expected a branch, tag, commit hash "
                     "or refs/pr/N"));
  }
  return absl::OkStatus();
}

bool IsCommitHash(absl::string_view revision) {
  return revision.size() == 40 &&
         std::all_of(revision.begin(), revision.end(), [](unsigned char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

std::string EscapeSegment(absl::string_view text) {
  return Escape(text, /*keep_slash=*/false);
}

std::string EscapePath(absl::string_view path) {
  return Escape(path, /*keep_slash=*/true);
}

std::string RevisionApiUrl(absl::string_view endpoint,
                           absl::string_view repo_id,
                           absl::string_view revision) {
  return absl::StrCat(endpoint, "/api/models/", repo_id, "/revision/",
                      EscapeSegment(revision));
}

std::string TreeApiUrl(absl::string_view endpoint, absl::string_view repo_id,
                       absl::string_view commit) {
  return absl::StrCat(endpoint, "/api/models/", repo_id, "/tree/",
                      EscapeSegment(commit), "?recursive=true&expand=false");
}

std::string ResolveUrl(absl::string_view endpoint, absl::string_view repo_id,
                       absl::string_view commit, absl::string_view path) {
  return absl::StrCat(endpoint, "/", repo_id, "/resolve/",
                      EscapeSegment(commit), "/", EscapePath(path));
}

absl::StatusOr<std::string> Origin(absl::string_view url) {
  const ParsedUrl parsed = Parse(url);
  if (parsed != nullptr) {
    const std::string scheme =
        absl::AsciiStrToLower(Part(parsed.get(), CURLUPART_SCHEME));
    if (scheme == "http" || scheme == "https") {
      return absl::StrCat(
          scheme, "://",
          absl::AsciiStrToLower(Part(parsed.get(), CURLUPART_HOST)), ":",
          Part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", PrintableUrl(url), "' is not a valid http or https URL"));
}

bool SameOrigin(absl::string_view a, absl::string_view b) {
  const absl::StatusOr<std::string> origin_a = Origin(a);
  const absl::StatusOr<std::string> origin_b = Origin(b);
  return origin_a.ok() && origin_b.ok() && *origin_a == *origin_b;
}

absl::StatusOr<std::string> ResolveRedirect(absl::string_view base,
                                            absl::string_view location) {
  const ParsedUrl parsed = Parse(base);
  if (parsed == nullptr || location.empty() ||
      curl_url_set(parsed.get(), CURLUPART_URL, std::string(location).c_str(),
                   0) != CURLUE_OK) {
    return absl::UnavailableError(
        absl::StrCat(PrintableUrl(base), " redirects to an invalid address"));
  }
  const std::string target = Part(parsed.get(), CURLUPART_URL);
  const absl::StatusOr<std::string> origin = Origin(target);
  if (!origin.ok() || (absl::StartsWithIgnoreCase(base, "https:") &&
                       absl::StartsWith(*origin, "http:"))) {
    return absl::UnavailableError(
        absl::StrCat(PrintableUrl(base), " redirects to ", PrintableUrl(target),
                     ", which is refused: expected https"));
  }
  return target;
}

std::string PrintableUrl(absl::string_view url) {
  const ParsedUrl parsed = Parse(url);
  if (parsed == nullptr) {
    // Wherever a name and password might end, nothing before is shown.
    const size_t scheme = url.find("://");
    const size_t at = url.rfind('@');
    std::string shown;
    if (at != absl::string_view::npos) {
      if (scheme < at) shown = std::string(url.substr(0, scheme + 3));
      url.remove_prefix(at + 1);
    }
    absl::StrAppend(&shown, url.substr(0, url.find_first_of("?#")));
    return base::Printable(shown);
  }
  for (CURLUPart part : {CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_USER,
                         CURLUPART_PASSWORD, CURLUPART_OPTIONS}) {
    curl_url_set(parsed.get(), part, nullptr, 0);
  }
  return base::Printable(Part(parsed.get(), CURLUPART_URL), kLongestShown);
}

}  // namespace fetch
