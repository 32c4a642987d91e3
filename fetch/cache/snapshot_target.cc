#include "fetch/cache/snapshot_target.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "base/range_set.h"
#include "base/status_macros.h"
#include "fetch/cache/file_verifier.h"
#include "fetch/cache/local_directory.h"
#include "fetch/cache/range_record.h"
#include "fetch/cache/repo_cache.h"
#include "fetch/protocol/repo_listing.h"

namespace fetch {
namespace {

RecordKey KeyOf(const RepoFile& file) { return {file.etag(), file.size}; }

// Contents are in blobs; the snapshot is made of links to them.
class CacheTarget : public SnapshotTarget {
 public:
  CacheTarget(const RepoCache& cache, absl::string_view commit,
              FileVerifier* verifier)
      : cache_(cache), commit_(commit), verifier_(verifier) {}

  std::string Directory() const override {
    return cache_.SnapshotDirectory(commit_);
  }

  std::string TreePath() const override { return cache_.TreePath(commit_); }

  absl::StatusOr<Presence> Find(const RepoFile& file) const override {
    const DownloadPaths paths = cache_.BlobPaths(file.etag());
    const std::string path =
        IsInSnapshot(file) ? SnapshotPath(file) : paths.final_path;
    if (base::FileSize(path) != file.size) return Presence::kMissing;
    if (!MustBeHashed(paths, KeyOf(file))) return Presence::kThere;
    ASSIGN_OR_RETURN(const bool is_whole, verifier_->HasContents(path, file));
    return is_whole ? Presence::kThere : Presence::kMissing;
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
  FileVerifier* const verifier_;
};

class LocalTarget : public SnapshotTarget {
 public:
  LocalTarget(const LocalDirectory& directory, const RepoCache& cache,
              absl::string_view commit, FileVerifier* verifier)
      : directory_(directory),
        cache_(cache),
        commit_(commit),
        verifier_(verifier) {}

  std::string Directory() const override { return directory_.directory(); }

  std::string TreePath() const override { return directory_.TreePath(commit_); }

  absl::StatusOr<Presence> Find(const RepoFile& file) const override {
    ASSIGN_OR_RETURN(const bool in_place, IsInPlace(file));
    if (in_place) return Presence::kThere;
    ASSIGN_OR_RETURN(const bool in_cache, IsInCache(file));
    return in_cache ? Presence::kElsewhere : Presence::kMissing;
  }

  absl::StatusOr<DownloadPaths> Paths(const RepoFile& file) const override {
    return directory_.FilePaths(file.path, file.etag());
  }

  absl::Status Prepare(absl::Span<const RepoFile> files) const override {
    for (const RepoFile& file : files) {
      RETURN_IF_ERROR(directory_.Prepare(file.path));
    }
    return absl::OkStatus();
  }

  absl::Status Adopt(const RepoFile& file) const override {
    ASSIGN_OR_RETURN(const bool in_place, IsInPlace(file));
    if (!in_place) RETURN_IF_ERROR(CopyFromCache(file));
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

  absl::StatusOr<bool> IsInPlace(const RepoFile& file) const {
    if (base::FileSize(PathOf(file)) != file.size) return false;
    const std::optional<LocalMetadata> metadata =
        directory_.ReadMetadata(file.path);
    if (metadata.has_value() && metadata->etag != file.etag()) return false;
    ASSIGN_OR_RETURN(const DownloadPaths paths, Paths(file));
    if (metadata.has_value() && !MustBeHashed(paths, KeyOf(file))) return true;
    return verifier_->HasContents(PathOf(file), file);
  }

  absl::StatusOr<bool> IsInCache(const RepoFile& file) const {
    const DownloadPaths paths = cache_.BlobPaths(file.etag());
    if (base::FileSize(paths.final_path) != file.size) return false;
    if (!MustBeHashed(paths, KeyOf(file))) return true;
    return verifier_->HasContents(paths.final_path, file);
  }

  // A copy reaches the disk as a download does, see range_record.h.
  absl::Status CopyFromCache(const RepoFile& file) const {
    ASSIGN_OR_RETURN(const DownloadPaths paths, Paths(file));
    const std::string copy = base::TemporaryName(paths.partial_path);
    RETURN_IF_ERROR(
        verifier_->Copy(cache_.BlobPaths(file.etag()).final_path, copy));
    if (file.size >= kRecordedFrom) {
      base::RangeSet all;
      all.Add({0, file.size});
      RETURN_IF_ERROR(WriteRangeRecord(paths.record_path, KeyOf(file), all));
    }
    if (rename(copy.c_str(), paths.final_path.c_str()) == 0) {
      return absl::OkStatus();
    }
    const absl::Status status =
        base::FileError(errno, "rename to", paths.final_path);
    unlink(copy.c_str());
    return status;
  }

  const LocalDirectory directory_;
  const RepoCache cache_;
  const std::string commit_;
  FileVerifier* const verifier_;
};

}  // namespace

std::unique_ptr<SnapshotTarget> MakeCacheTarget(const RepoCache& cache,
                                                absl::string_view commit,
                                                FileVerifier* verifier) {
  return std::make_unique<CacheTarget>(cache, commit, verifier);
}

std::unique_ptr<SnapshotTarget> MakeLocalTarget(const LocalDirectory& directory,
                                                const RepoCache& cache,
                                                absl::string_view commit,
                                                FileVerifier* verifier) {
  return std::make_unique<LocalTarget>(directory, cache, commit, verifier);
}

}  // namespace fetch
