#include "fetch/cache/repo_cache.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "fetch/protocol/hub_url.h"
#include "fetch/protocol/repo_path.h"

namespace fetch {
namespace {

// The signature is the Cache Directory Tagging Standard's.
constexpr absl::string_view kCacheDirTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This directory holds downloads that can be fetched again.\n"
    "# See https://bford.info/cachedir/\n";

std::string LinkTarget(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t length = readlink(path.c_str(), target, sizeof(target));
  return length < 0 ? "" : std::string(target, static_cast<size_t>(length));
}

}  // namespace

void TagCacheDirectory(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/CACHEDIR.TAG");
  if (!base::FileSize(path).has_value()) {
    base::ReplaceFile(path, kCacheDirTag).IgnoreError();
  }
}

RepoCache::RepoCache(absl::string_view cache_dir, absl::string_view repo_id)
    : cache_dir_(cache_dir),
      name_(absl::StrCat("models--",
                         absl::StrReplaceAll(repo_id, {{"/", "--"}}))),
      directory_(absl::StrCat(cache_dir, "/", name_)) {}

std::string RepoCache::SnapshotDirectory(absl::string_view commit) const {
  return absl::StrCat(directory_, "/snapshots/", commit);
}

std::string RepoCache::TreePath(absl::string_view commit) const {
  return absl::StrCat(directory_, "/trees/", commit, ".json");
}

DownloadPaths RepoCache::BlobPaths(absl::string_view etag) const {
  const std::string blob = absl::StrCat(directory_, "/blobs/", etag);
  DownloadPaths paths;
  paths.final_path = blob;
  paths.partial_path = absl::StrCat(blob, ".ranges.incomplete");
  paths.record_path = absl::StrCat(blob, ".ranges.record.incomplete");
  paths.foreign_partial_path = absl::StrCat(blob, ".incomplete");
  paths.lock_path =
      absl::StrCat(cache_dir_, "/.locks/", name_, "/", etag, ".lock");
  return paths;
}

std::optional<std::string> RepoCache::ReadRef(
    absl::string_view revision) const {
  if (IsCommitHash(revision)) return std::string(revision);
  const absl::StatusOr<std::string> text =
      base::ReadFile(absl::StrCat(directory_, "/refs/", revision), 1000);
  if (!text.ok()) return std::nullopt;
  const absl::string_view commit = absl::StripAsciiWhitespace(*text);
  if (!IsCommitHash(commit)) return std::nullopt;
  return std::string(commit);
}

absl::Status RepoCache::WriteRef(absl::string_view revision,
                                 absl::string_view commit) const {
  if (revision == commit) return absl::OkStatus();
  const std::string refs = absl::StrCat(directory_, "/refs");
  const std::string path = absl::StrCat(refs, "/", revision);
  if (base::ReadFile(path, 1000).value_or("") == commit)
    return absl::OkStatus();
  RETURN_IF_ERROR(MakeParentDirectories(refs, revision));
  return base::ReplaceFile(path, commit);
}

absl::Status RepoCache::LinkSnapshotFile(absl::string_view commit,
                                         absl::string_view path,
                                         absl::string_view etag) const {
  const std::string snapshot = SnapshotDirectory(commit);
  const std::string link = absl::StrCat(snapshot, "/", path);
  std::string target = "../../";
  for (char c : path) {
    if (c == '/') target += "../";
  }
  absl::StrAppend(&target, "blobs/", etag);
  if (LinkTarget(link) == target) return absl::OkStatus();
  RETURN_IF_ERROR(MakeParentDirectories(snapshot, path));
  const std::string temporary = base::TemporaryName(link);
  if (symlink(target.c_str(), temporary.c_str()) != 0) {
    return base::FileError(errno, "make the link", link);
  }
  if (rename(temporary.c_str(), link.c_str()) != 0) {
    const int error_number = errno;
    unlink(temporary.c_str());
    return base::FileError(error_number, "make the link", link);
  }
  return absl::OkStatus();
}

absl::Status RepoCache::Prepare() const {
  for (const std::string& directory :
       {absl::StrCat(directory_, "/blobs"), absl::StrCat(directory_, "/trees"),
        absl::StrCat(cache_dir_, "/.locks/", name_)}) {
    RETURN_IF_ERROR(MakeParentDirectories(directory, ""));
  }
  TagCacheDirectory(cache_dir_);
  return absl::OkStatus();
}

}  // namespace fetch
