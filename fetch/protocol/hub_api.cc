#include "fetch/protocol/hub_api.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "base/steady_clock.h"
#include "fetch/observer.h"
#include "fetch/protocol/http_client.h"
#include "fetch/protocol/hub_error.h"
#include "fetch/protocol/hub_url.h"
#include "fetch/protocol/repo_listing.h"
#include "fetch/protocol/retry.h"
#include "nlohmann/json.hpp"

namespace fetch {
namespace {

// The hub gives a thousand files a page, a few hundred bytes for each.
constexpr base::JsonLimits kPageLimits = {16 << 20, 256 << 20};
constexpr size_t kMaxFiles = 1'000'000;
constexpr size_t kMaxPages = 10'000;

absl::Status Malformed(absl::string_view url, absl::string_view what) {
  return absl::UnavailableError(
      absl::StrCat(PrintableUrl(url), " does not answer as a hub does: ", what,
                   ". Check HF_ENDPOINT"));
}

// The file that an entry of the tree describes; nullopt for a directory.
absl::StatusOr<std::optional<RepoFile>> FileOfEntry(
    const nlohmann::json& entry) {
  const std::string type = TextOf(entry, "type");
  if (type == "directory") return std::nullopt;
  const nlohmann::json& lfs = base::Member(entry, "lfs");
  RepoFile file;
  file.path = TextOf(entry, "path");
  file.size = base::UintMember(entry, "size").value_or(0);
  file.blob_id = TextOf(entry, "oid");
  if (lfs.is_object()) {
    file.size = base::UintMember(lfs, "size").value_or(file.size);
    file.lfs_sha256 =
        std::string(absl::StripPrefix(TextOf(lfs, "oid"), "sha256:"));
  }
  file.xet_hash = TextOf(entry, "xetHash");
  if (type != "file") {
    return absl::InvalidArgumentError(absl::StrCat(
        "the repository lists '", base::Printable(file.path), "' as a ",
        base::Printable(type),
        ", which is refused: only files and directories are downloaded"));
  }
  RETURN_IF_ERROR(ValidateRepoFile(file));
  return file;
}

// Adds the files of one page of the tree, which came from `url`. Returns how
// many entries the page has.
absl::StatusOr<size_t> AddEntries(absl::string_view url, absl::string_view body,
                                  std::vector<RepoFile>* files) {
  const nlohmann::json entries =
      base::ParseJson(body, "", kPageLimits).value_or(nullptr);
  if (!entries.is_array()) return Malformed(url, "there is no list in it");
  for (const nlohmann::json& entry : entries) {
    ASSIGN_OR_RETURN(std::optional<RepoFile> file, FileOfEntry(entry));
    if (file.has_value()) files->push_back(*std::move(file));
  }
  return entries.size();
}

// By path, each once.
absl::StatusOr<RepoListing> Sorted(RepoListing listing, absl::string_view url) {
  std::sort(
      listing.files.begin(), listing.files.end(),
      [](const RepoFile& a, const RepoFile& b) { return a.path < b.path; });
  const auto twice = std::adjacent_find(
      listing.files.begin(), listing.files.end(),
      [](const RepoFile& a, const RepoFile& b) { return a.path == b.path; });
  if (twice != listing.files.end()) {
    return Malformed(url, absl::StrCat("it lists ", twice->path, " twice"));
  }
  return listing;
}

}  // namespace

std::string NextPage(absl::string_view link_header) {
  // A URL may have commas, but no angle brackets.
  for (size_t begin = link_header.find('<');
       begin != absl::string_view::npos;) {
    const size_t end = link_header.find('>', begin);
    if (end == absl::string_view::npos) break;
    const size_t next = link_header.find('<', end);
    const absl::string_view parameters = link_header.substr(
        end, next == absl::string_view::npos ? next : next - end);
    if (absl::StrContains(parameters, "rel=\"next\"") ||
        absl::StrContains(parameters, "rel=next")) {
      return std::string(link_header.substr(begin + 1, end - begin - 1));
    }
    begin = next;
  }
  return "";
}

HubApi::HubApi(HttpClient* client, const HubTarget& target,
               const RetryPolicy& policy, const FetchObserver* observer)
    : client_(client), target_(target), policy_(policy), observer_(observer) {}

absl::StatusOr<std::string> HubApi::ResolveRevision() {
  const std::string url =
      RevisionApiUrl(target_.endpoint, target_.repo_id, target_.revision);
  ASSIGN_OR_RETURN(const HttpPage page, Get(url));
  const std::string commit = TextOf(
      base::ParseJson(page.body, "", kPageLimits).value_or(nullptr), "sha");
  if (!IsCommitHash(commit)) return Malformed(url, "there is no commit in it");
  return commit;
}

absl::StatusOr<RepoListing> HubApi::ListFiles(absl::string_view commit) {
  RepoListing listing;
  listing.commit = std::string(commit);
  const std::string first =
      TreeApiUrl(target_.endpoint, target_.repo_id, commit);
  std::string url = first;
  absl::flat_hash_set<std::string> seen;
  while (seen.insert(url).second) {
    ASSIGN_OR_RETURN(const HttpPage page, Get(url));
    ASSIGN_OR_RETURN(const size_t entries,
                     AddEntries(url, page.body, &listing.files));
    const std::string next = NextPage(page.response.Header("link"));
    if (next.empty()) return Sorted(std::move(listing), url);
    if (entries == 0) return Malformed(url, "an empty page has a next one");
    if (listing.files.size() > kMaxFiles || seen.size() >= kMaxPages) {
      return Malformed(url, "its list of files does not end");
    }
    // Only the query is another: a mirror may pass on addresses of the hub.
    url = absl::StrCat(first.substr(0, first.find('?')),
                       next.substr(std::min(next.find('?'), next.size())));
  }
  return Malformed(url, "its next page is one that was there before");
}

absl::StatusOr<HttpPage> HubApi::GetOnce(std::string url, bool* may_retry) {
  for (int hop = 0; hop < kMaxRedirects; ++hop) {
    HttpRequest request;
    request.url = url;
    if (SameOrigin(url, target_.endpoint)) {
      request.bearer_token = target_.token.value;
    }
    HttpPage page =
        HttpGet(client_, request, kPageLimits.bytes, observer_->cancelled);
    *may_retry = page.outcome.may_retry;
    if (!page.outcome.status.ok()) return page.outcome.status;
    if (!IsRedirect(page.response.status)) return page;
    *may_retry = false;
    ASSIGN_OR_RETURN(url,
                     ResolveRedirect(url, page.response.Header("location")));
  }
  *may_retry = false;
  return Malformed(url, "it redirects in a circle");
}

absl::StatusOr<HttpPage> HubApi::Get(std::string url) {
  for (int failures = 1;; ++failures) {
    bool may_retry = true;
    absl::StatusOr<HttpPage> page = GetOnce(url, &may_retry);
    absl::Status status = page.status();
    std::optional<absl::Duration> requested;
    if (page.ok()) {
      const int code = page->response.status;
      if (code >= 200 && code < 300) return page;
      status = HubError(target_, "", page->response);
      may_retry = IsTransientStatus(code);
      if (may_retry) requested = RequestedPause(page->response, absl::Now());
    }
    if (!may_retry || failures >= policy_.max_tries) return status;
    const absl::Duration pause =
        requested.value_or(Backoff(policy_, failures, random_));
    if (pause > policy_.max_backoff) {
      return absl::UnavailableError(
          absl::StrCat(status.message(), "; it asks to wait for ",
                       absl::FormatDuration(pause), ", run again then"));
    }
    RETURN_IF_ERROR(Pause(pause, status));
  }
}

absl::Status HubApi::Pause(absl::Duration pause, const absl::Status& why) {
  if (observer_->notice) {
    observer_->notice(absl::StrCat(
        why.message(), "; trying again in ",
        absl::FormatDuration(absl::Trunc(pause, absl::Milliseconds(100)))));
  }
  const absl::Time end = base::SteadyNow() + pause;
  while (base::SteadyNow() < end) {
    if (observer_->cancelled && observer_->cancelled()) {
      return absl::CancelledError("cancelled");
    }
    absl::SleepFor(std::min(end - base::SteadyNow(), absl::Milliseconds(100)));
  }
  return absl::OkStatus();
}

}  // namespace fetch
