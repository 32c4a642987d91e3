#include "fetch/cache/tree_cache.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/json.h"
#include "fetch/protocol/repo_listing.h"
#include "nlohmann/json.hpp"

namespace fetch {
namespace {

constexpr uint64_t kFormatVersion = 1;
// A million files and their names.
constexpr base::JsonLimits kTreeLimits = {uint64_t{256} << 20,
                                          uint64_t{1} << 30};

}  // namespace

std::string FormatTree(const RepoListing& listing) {
  nlohmann::json files = nlohmann::json::object();
  for (const RepoFile& file : listing.files) {
    nlohmann::json& entry = files[file.path];
    entry["size"] = file.size;
    entry["blob_id"] = file.blob_id;
    if (!file.lfs_sha256.empty()) {
      entry["lfs_sha256"] = file.lfs_sha256;
      entry["lfs_size"] = file.size;
    }
    // huggingface_hub drops a whole tree for one malformed hash of this kind.
    if (IsLowerHex(file.xet_hash, 64)) entry["xet_hash"] = file.xet_hash;
  }
  nlohmann::json tree;
  tree["format_version"] = kFormatVersion;
  tree["files"] = std::move(files);
  return tree.dump(1, ' ', /*ensure_ascii=*/true,
                   nlohmann::json::error_handler_t::replace);
}

std::optional<RepoListing> ParseTree(absl::string_view text,
                                     absl::string_view commit) {
  const nlohmann::json tree =
      base::ParseJson(text, "", kTreeLimits).value_or(nullptr);
  if (base::UintMember(tree, "format_version") != kFormatVersion)
    return std::nullopt;
  const nlohmann::json& files = base::Member(tree, "files");
  if (!files.is_object()) return std::nullopt;
  RepoListing listing;
  listing.commit = std::string(commit);
  for (const auto& [path, entry] : files.items()) {
    const std::optional<uint64_t> lfs_size =
        base::UintMember(entry, "lfs_size");
    const std::optional<uint64_t> size = base::UintMember(entry, "size");
    if (!size.has_value()) return std::nullopt;
    RepoFile file;
    file.path = path;
    file.size = lfs_size.value_or(*size);
    file.blob_id = TextOf(entry, "blob_id");
    file.lfs_sha256 = TextOf(entry, "lfs_sha256");
    file.xet_hash = TextOf(entry, "xet_hash");
    if (!ValidateRepoFile(file).ok()) return std::nullopt;
    listing.files.push_back(std::move(file));
  }
  return listing;
}

std::optional<RepoListing> ReadTree(const std::string& path,
                                    absl::string_view commit) {
  const absl::StatusOr<std::string> text =
      base::ReadFile(path, kTreeLimits.bytes);
  if (!text.ok()) return std::nullopt;
  return ParseTree(*text, commit);
}

absl::Status WriteTree(const std::string& path, const RepoListing& listing) {
  return base::ReplaceFile(path, FormatTree(listing));
}

}  // namespace fetch
