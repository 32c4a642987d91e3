#include "fetch/cache/file_verifier.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "fetch/observer.h"
#include "fetch/protocol/repo_listing.h"

namespace fetch {
namespace {

constexpr uint64_t kBuffer = uint64_t{1} << 20;
// A file of this size takes so long that somebody may wonder.
constexpr uint64_t kWorthAWord = uint64_t{256} << 20;

}  // namespace

absl::Status FileVerifier::CheckCancelled() const {
  if (!observer_->cancelled || !observer_->cancelled()) return absl::OkStatus();
  return absl::CancelledError(
      "cancelled; what has arrived stays, run again to go on");
}

absl::StatusOr<bool> FileVerifier::HasContents(const std::string& path,
                                               const RepoFile& file) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return false;
  const std::string key =
      absl::StrCat(path, " ", file.etag(), " ", info.st_ino, " ",
                   absl::ToUnixNanos(absl::TimeFromTimespec(info.st_mtim)));
  const auto known = checked_.find(key);
  if (known != checked_.end()) return known->second;
  ASSIGN_OR_RETURN(const bool has_contents, Hash(path, file));
  checked_[key] = has_contents;
  return has_contents;
}

absl::StatusOr<bool> FileVerifier::Hash(const std::string& path,
                                        const RepoFile& file) const {
  const auto input = base::InputFile::Open(path);
  if (!input.ok() || (*input)->size() != file.size) return false;
  if (file.size >= kWorthAWord && observer_->notice) {
    observer_->notice(absl::StrCat("checking ", file.path,
                                   ", which is there but not certainly whole"));
  }
  ASSIGN_OR_RETURN(base::Digest digest,
                   base::Digest::Create(file.digest_kind(), file.size));
  std::vector<uint8_t> buffer(std::min(kBuffer, file.size));
  for (uint64_t done = 0; done < file.size; done += buffer.size()) {
    buffer.resize(std::min(kBuffer, file.size - done));
    RETURN_IF_ERROR(CheckCancelled());
    if (!(*input)->ReadAt(done, absl::MakeSpan(buffer)).ok()) return false;
    digest.Update(buffer);
  }
  return digest.Finish() == file.etag();
}

absl::Status FileVerifier::Copy(const std::string& from,
                                const std::string& to) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> input,
                   base::InputFile::Open(from));
  const int fd =
      open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return base::FileError(errno, "write", to);
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  auto remover = absl::MakeCleanup([&to] { unlink(to.c_str()); });
  std::vector<uint8_t> buffer(std::min(kBuffer, input->size()));
  for (uint64_t done = 0; done < input->size(); done += buffer.size()) {
    buffer.resize(std::min(kBuffer, input->size() - done));
    RETURN_IF_ERROR(CheckCancelled());
    RETURN_IF_ERROR(input->ReadAt(done, absl::MakeSpan(buffer)));
    RETURN_IF_ERROR(base::WriteFullyAt(fd, buffer, done, to));
  }
  std::move(remover).Cancel();
  return absl::OkStatus();
}

}  // namespace fetch
