#include "fetch/selection/offline_snapshot.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "base/json.h"
#include "fetch/protocol/repo_listing.h"
#include "fetch/protocol/repo_path.h"
#include "nlohmann/json.hpp"

namespace fetch {
namespace {

constexpr size_t kMaxIndexBytes = size_t{64} << 20;
constexpr size_t kNamesShown = 10;

}  // namespace

RepoListing ListDirectory(const std::string& directory,
                          absl::string_view commit) {
  namespace fs = std::filesystem;
  RepoListing listing;
  listing.commit = std::string(commit);
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string path = entry->path().string();
    const std::optional<uint64_t> size = base::FileSize(path);
    if (!size.has_value()) continue;
    RepoFile file;
    file.path = path.substr(directory.size() + 1);
    file.size = *size;
    if (ValidateRepoPath(file.path).ok()) {
      listing.files.push_back(std::move(file));
    }
  }
  std::sort(
      listing.files.begin(), listing.files.end(),
      [](const RepoFile& a, const RepoFile& b) { return a.path < b.path; });
  return listing;
}

std::vector<std::string> MissingShards(const std::string& directory,
                                       absl::Span<const RepoFile> files) {
  std::set<std::string> missing;
  for (const RepoFile& file : files) {
    if (!absl::EndsWith(file.path, ".index.json")) continue;
    const absl::StatusOr<std::string> text =
        base::ReadFile(absl::StrCat(directory, "/", file.path), kMaxIndexBytes);
    const nlohmann::json index =
        base::ParseJson(text.value_or(""), file.path).value_or(nullptr);
    const nlohmann::json& map = base::Member(index, "weight_map");
    if (!map.is_object()) continue;
    for (const auto& [tensor, shard] : map.items()) {
      const std::string* name = shard.get_ptr<const std::string*>();
      if (name != nullptr && ValidateRepoPath(*name).ok() &&
          !base::FileSize(absl::StrCat(directory, "/", *name)).has_value()) {
        missing.insert(*name);
      }
    }
  }
  return {missing.begin(), missing.end()};
}

absl::Status MissingOffline(absl::string_view repo_id,
                            absl::string_view revision,
                            absl::Span<const std::string> paths) {
  std::string text = absl::StrCat("offline, and ", repo_id, " at revision '",
                                  revision, "' is not all there. Missing: ");
  const size_t shown = std::min(paths.size(), kNamesShown);
  absl::StrAppend(&text, absl::StrJoin(paths.subspan(0, shown), ", "));
  if (shown < paths.size()) {
    absl::StrAppend(&text, " and ", paths.size() - shown, " more");
  }
  return absl::FailedPreconditionError(absl::StrCat(
      text, ". Run once without HF_HUB_OFFLINE and --offline to get them"));
}

}  // namespace fetch
