#include "fetch/snapshot_target.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "base/digest.h"
#include "base/file.h"
#include "fetch/download_paths.h"
#include "fetch/final_flush.h"
#include "fetch/local_directory.h"
#include "fetch/range_record.h"
#include "fetch/repo_cache.h"
#include "fetch/repo_listing.h"

namespace fetch {
namespace {

constexpr size_t kReadBuffer = size_t{1} << 20;

// True if the file at `path` has the contents that are listed.
bool HasContents(const std::string& path, const RepoFile& file) {
  if (base::FileSize(path) != file.size) return false;
  absl::StatusOr<base::Digest> digest =
      base::Digest::Create(file.digest_kind(), file.size);
  std::ifstream stream(path, std::ios::binary);
  if (!digest.ok() || !stream.is_open()) return false;
  std::vector<char> buffer(kReadBuffer);
  while (stream.good()) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest->Update(
        absl::string_view(buffer.data(), static_cast<size_t>(stream.gcount())));
  }
  return stream.eof() && digest->Finish() == file.etag();
}

// Whether files that might not be what they should be have the listed
// contents. Each is hashed once.
class CheckedFiles {
 public:
  bool HasContents(const std::string& path, const RepoFile& file) {
    const auto [checked, is_new] = checked_.try_emplace(path, false);
    if (is_new) checked->second = fetch::HasContents(path, file);
    return checked->second;
  }

 private:
  absl::flat_hash_map<std::string, bool> checked_;
};

RecordKey KeyOf(const RepoFile& file) {
  return {file.etag(), file.size, BootId()};
}

// Contents are in blobs; the snapshot is made of links to them.
class CacheTarget : public SnapshotTarget {
 public:
  CacheTarget(const RepoCache& cache, absl::string_view commit)
      : cache_(cache), commit_(commit) {}

  std::string Directory() const override {
    return cache_.SnapshotDirectory(commit_);
  }

  std::string TreePath() const override { return cache_.TreePath(commit_); }

  bool IsThere(const RepoFile& file) const override {
    const DownloadPaths paths = cache_.BlobPaths(file.etag());
    const std::string path =
        IsInSnapshot(file) ? SnapshotPath(file) : paths.final_path;
    if (base::FileSize(path) != file.size) return false;
    return !MayBeTorn(paths, KeyOf(file)) || checked_.HasContents(path, file);
  }

  absl::StatusOr<DownloadPaths> Paths(const RepoFile& file) const override {
    return cache_.BlobPaths(file.etag());
  }

  absl::Status Prepare(absl::Span<const RepoFile>) const override {
    return cache_.Prepare();
  }

  absl::Status Adopt(const RepoFile& file) const override {
    // A client without symbolic links puts the contents into the snapshot.
    return IsInSnapshot(file) ? absl::OkStatus() : Publish(file);
  }

  absl::Status Publish(const RepoFile& file) const override {
    return cache_.LinkSnapshotFile(commit_, file.path, file.etag());
  }

 private:
  std::string SnapshotPath(const RepoFile& file) const {
    return absl::StrCat(Directory(), "/", file.path);
  }

  bool IsInSnapshot(const RepoFile& file) const {
    return base::FileSize(SnapshotPath(file)) == file.size;
  }

  const RepoCache cache_;
  const std::string commit_;
  mutable CheckedFiles checked_;
};

class LocalTarget : public SnapshotTarget {
 public:
  LocalTarget(const LocalDirectory& directory, const RepoCache& cache,
              absl::string_view commit)
      : directory_(directory), cache_(cache), commit_(commit) {}

  std::string Directory() const override { return directory_.directory(); }

  std::string TreePath() const override { return directory_.TreePath(commit_); }

  bool IsThere(const RepoFile& file) const override {
    return IsInPlace(file) || IsInCache(file);
  }

  absl::StatusOr<DownloadPaths> Paths(const RepoFile& file) const override {
    return directory_.FilePaths(file.path, file.etag());
  }

  absl::Status Prepare(absl::Span<const RepoFile> files) const override {
    for (const RepoFile& file : files) {
      const absl::Status prepared = directory_.Prepare(file.path);
      if (!prepared.ok()) return prepared;
    }
    return absl::OkStatus();
  }

  absl::Status Adopt(const RepoFile& file) const override {
    if (!IsInPlace(file)) {
      const absl::Status copied = CopyFromCache(file);
      if (!copied.ok()) return copied;
    }
    return Publish(file);
  }

  absl::Status Publish(const RepoFile& file) const override {
    return directory_.WriteMetadata(file.path,
                                    {commit_, file.etag(), absl::Now()});
  }

 private:
  std::string PathOf(const RepoFile& file) const {
    return absl::StrCat(directory_.directory(), "/", file.path);
  }

  std::string BlobPath(const RepoFile& file) const {
    return cache_.BlobPaths(file.etag()).final_path;
  }

  bool IsInPlace(const RepoFile& file) const {
    if (base::FileSize(PathOf(file)) != file.size) return false;
    const std::optional<LocalMetadata> metadata =
        directory_.ReadMetadata(file.path);
    if (metadata.has_value() && metadata->etag != file.etag()) return false;
    const absl::StatusOr<DownloadPaths> paths = Paths(file);
    const bool is_known =
        metadata.has_value() && paths.ok() && !MayBeTorn(*paths, KeyOf(file));
    return is_known || checked_.HasContents(PathOf(file), file);
  }

  bool IsInCache(const RepoFile& file) const {
    const DownloadPaths paths = cache_.BlobPaths(file.etag());
    if (base::FileSize(paths.final_path) != file.size) return false;
    return !MayBeTorn(paths, KeyOf(file)) ||
           checked_.HasContents(paths.final_path, file);
  }

  absl::Status CopyFromCache(const RepoFile& file) const {
    const absl::StatusOr<DownloadPaths> paths = Paths(file);
    if (!paths.ok()) return paths.status();
    const std::string copy = absl::StrCat(paths->partial_path, ".copy");
    std::error_code error;
    std::filesystem::copy_file(
        BlobPath(file), copy, std::filesystem::copy_options::overwrite_existing,
        error);
    absl::Status status = absl::OkStatus();
    if (error) {
      status = base::FileError(error.value(), "copy from the cache to", copy);
    }
    if (status.ok()) status = base::FlushFile(copy);
    if (status.ok() && rename(copy.c_str(), paths->final_path.c_str()) != 0) {
      status = base::FileError(errno, "rename to", paths->final_path);
    }
    if (!status.ok()) unlink(copy.c_str());
    return status;
  }

  const LocalDirectory directory_;
  const RepoCache cache_;
  const std::string commit_;
  mutable CheckedFiles checked_;
};

}  // namespace

std::unique_ptr<SnapshotTarget> MakeCacheTarget(const RepoCache& cache,
                                                absl::string_view commit) {
  return std::make_unique<CacheTarget>(cache, commit);
}

std::unique_ptr<SnapshotTarget> MakeLocalTarget(const LocalDirectory& directory,
                                                const RepoCache& cache,
                                                absl::string_view commit) {
  return std::make_unique<LocalTarget>(directory, cache, commit);
}

}  // namespace fetch
