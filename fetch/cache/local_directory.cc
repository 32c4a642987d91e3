#include "fetch/cache/local_directory.h"

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "fetch/cache/repo_cache.h"
#include "fetch/protocol/repo_path.h"

namespace fetch {
namespace {

// Clocks of file systems are not exact; huggingface_hub allows as much.
constexpr absl::Duration kClockTolerance = absl::Seconds(1);

}  // namespace

LocalDirectory::LocalDirectory(absl::string_view directory)
    : directory_(directory),
      hub_directory_(absl::StrCat(directory, "/.cache/huggingface")) {}

std::string LocalDirectory::TreePath(absl::string_view commit) const {
  return absl::StrCat(hub_directory_, "/trees/", commit, ".json");
}

std::string LocalDirectory::MetadataPath(absl::string_view path) const {
  return absl::StrCat(hub_directory_, "/download/", path, ".metadata");
}

absl::StatusOr<DownloadPaths> LocalDirectory::FilePaths(
    absl::string_view path, absl::string_view etag) const {
  const std::string metadata = MetadataPath(path);
  const size_t name = metadata.rfind('/') + 1;
  ASSIGN_OR_RETURN(
      const std::string hash,
      base::HexDigest(base::DigestKind::kSha1, metadata.substr(name)));
  std::string bytes;
  if (!absl::HexStringToBytes(hash, &bytes)) {
    return absl::InternalError("a hash that is not hexadecimal");
  }
  // Python's urlsafe_b64encode keeps the padding.
  const std::string short_hash =
      absl::StrCat(absl::WebSafeBase64Escape(bytes), "=");
  const std::string base =
      absl::StrCat(metadata.substr(0, name), short_hash, ".", etag);
  DownloadPaths paths;
  paths.final_path = absl::StrCat(directory_, "/", path);
  paths.partial_path = absl::StrCat(base, ".ranges.incomplete");
  paths.record_path = absl::StrCat(base, ".ranges.record.incomplete");
  paths.foreign_partial_path = absl::StrCat(base, ".incomplete");
  paths.lock_path = absl::StrCat(hub_directory_, "/download/", path, ".lock");
  return paths;
}

std::optional<LocalMetadata> LocalDirectory::ReadMetadata(
    absl::string_view path) const {
  const absl::StatusOr<std::string> text =
      base::ReadFile(MetadataPath(path), 4096);
  if (!text.ok()) return std::nullopt;
  const std::vector<absl::string_view> lines = absl::StrSplit(*text, '\n');
  double seconds = 0;
  if (lines.size() < 3 || !absl::SimpleAtod(lines[2], &seconds)) {
    return std::nullopt;
  }
  const absl::Time time = absl::UnixEpoch() + absl::Seconds(seconds);
  struct stat info;
  const std::string file = absl::StrCat(directory_, "/", path);
  if (stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode) ||
      absl::TimeFromTimespec(info.st_mtim) > time + kClockTolerance) {
    return std::nullopt;
  }
  return LocalMetadata{std::string(absl::StripAsciiWhitespace(lines[0])),
                       std::string(absl::StripAsciiWhitespace(lines[1])), time};
}

absl::Status LocalDirectory::WriteMetadata(
    absl::string_view path, const LocalMetadata& metadata) const {
  return base::ReplaceFile(
      MetadataPath(path),
      absl::StrFormat(
          "%s\n%s\n%.6f\n", metadata.commit, metadata.etag,
          absl::ToDoubleSeconds(metadata.time - absl::UnixEpoch())));
}

absl::Status LocalDirectory::Prepare(absl::string_view path) const {
  RETURN_IF_ERROR(MakeParentDirectories(directory_, path));
  RETURN_IF_ERROR(
      MakeParentDirectories(absl::StrCat(hub_directory_, "/trees"), ""));
  RETURN_IF_ERROR(
      MakeParentDirectories(absl::StrCat(hub_directory_, "/download"), path));
  TagCacheDirectory(hub_directory_);
  const std::string ignore = absl::StrCat(hub_directory_, "/.gitignore");
  if (!base::FileSize(ignore).has_value()) {
    base::ReplaceFile(ignore, "*").IgnoreError();  // a courtesy to git users
  }
  return absl::OkStatus();
}

}  // namespace fetch
