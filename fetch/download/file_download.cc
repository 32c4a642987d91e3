#include "fetch/download/file_download.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/digest.h"
#include "base/file_lock.h"
#include "base/range_set.h"
#include "base/status_macros.h"
#include "base/steady_clock.h"
#include "fetch/cache/range_record.h"
#include "fetch/download/final_flush.h"
#include "fetch/download/following_digest.h"
#include "fetch/download/partial_file.h"
#include "fetch/protocol/hub_url.h"
#include "fetch/protocol/retry.h"

namespace fetch {
namespace {

// Small enough that the hash stays close behind and little waits for one slow
// connection, large enough that asking costs nothing. The hub refuses requests
// for more than 50 GB at once.
constexpr uint64_t kMaxRange = uint64_t{32} << 20;
constexpr uint64_t kMinRange = uint64_t{1} << 20;
constexpr int kMaxChanges = 3;
// A server that brings this much between failures is working.
constexpr uint64_t kProgress = uint64_t{1} << 20;

}  // namespace

FileDownload::FileDownload(const DownloadItem* item,
                           const DownloadServices* services)
    : item_(item), services_(services) {}

uint64_t FileDownload::bytes_there() const {
  if (complete_) return item_->size;
  return partial_ == nullptr ? 0 : partial_->there().size();
}

absl::StatusOr<bool> FileDownload::Begin() {
  ASSIGN_OR_RETURN(std::unique_ptr<base::FileLock> lock,
                   base::FileLock::TryAcquire(item_->paths.lock_path,
                                              {.shared_by_group = true}));
  if (lock == nullptr) return false;
  ASSIGN_OR_RETURN(const bool adopted, item_->adopt());
  if (adopted) {
    lock.reset();
    Finish();
    return true;
  }
  ASSIGN_OR_RETURN(partial_,
                   PartialFile::Open(item_->paths, {item_->etag, item_->size},
                                     std::move(lock)));
  RETURN_IF_ERROR(StartDigest());
  return true;
}

absl::Status FileDownload::StartDigest() {
  digest_.reset();
  ASSIGN_OR_RETURN(digest_, FollowingDigest::Create(
                                partial_->fd(), item_->digest_kind, item_->size,
                                services_->digests, services_->wake));
  digest_->Advance(partial_->there().RunEnd(0));
  return absl::OkStatus();
}

std::optional<base::Range> FileDownload::TakeRange(int connections,
                                                   absl::Time now) {
  if (complete_ || partial_ == nullptr || now < not_before_) {
    return std::nullopt;
  }
  // One request finds out where the bytes are, for the others to follow.
  const bool alone = whole_only_ || !confirmed_;
  if (alone && !asked_.empty()) return std::nullopt;
  base::RangeSet taken = partial_->there();
  taken.Add(asked_);
  const uint64_t left = item_->size - taken.size();
  if (left == 0) return std::nullopt;
  base::Range range = {0, item_->size};
  if (!whole_only_) {
    const uint64_t share = left / static_cast<uint64_t>(connections);
    range = taken.FirstGap(0, item_->size);
    range.end = std::min(range.end,
                         range.begin + std::clamp(share, kMinRange, kMaxRange));
  }
  asked_.Add(range);
  return range;
}

void FileDownload::ReleaseRange(base::Range range) { asked_.Remove(range); }

const std::string& FileDownload::url() const {
  return location_.empty() ? item_->url : location_;
}

bool FileDownload::RedirectedTo(const std::string& url) {
  location_ = url;
  confirmed_ = false;
  return ++redirects_ <= kMaxRedirects;
}

void FileDownload::Confirm(absl::string_view etag) {
  confirmed_ = true;
  redirects_ = 0;
  // A weak ETag does not promise the same bytes.
  validator_ = absl::StartsWith(etag, "\"") ? std::string(etag) : "";
  validator_of_ = PrintableUrl(url());
}

void FileDownload::ForgetLocation() {
  location_.clear();
  confirmed_ = false;
  redirects_ = 0;
}

std::string FileDownload::validator() const {
  // Another copy of the same contents may have another ETag. What follows the
  // "?" of a signed address is no part of which copy it is.
  return PrintableUrl(url()) == validator_of_ ? validator_ : "";
}

absl::Status FileDownload::Write(uint64_t offset, absl::string_view bytes) {
  const uint64_t end = offset + bytes.size();
  for (base::Range gap = partial_->there().FirstGap(offset, end);
       gap.size() > 0; gap = partial_->there().FirstGap(gap.end, end)) {
    RETURN_IF_ERROR(partial_->Write(
        gap.begin, bytes.substr(gap.begin - offset, gap.size())));
    new_since_failure_ += gap.size();
  }
  if (new_since_failure_ >= kProgress) failures_ = 0;
  digest_->Advance(partial_->there().RunEnd(0));
  return absl::OkStatus();
}

absl::Status FileDownload::Failed(const absl::Status& why, absl::Time begun,
                                  std::optional<absl::Duration> requested) {
  const absl::Time now = base::SteadyNow();
  const bool counts = begun >= last_failure_;
  if (counts) {
    ++failures_;
    last_failure_ = now;
    new_since_failure_ = 0;
  }
  const absl::Duration pause = requested.value_or(
      Backoff(services_->retry, std::max(failures_, 1), random_));
  if (failures_ >= services_->retry.max_tries ||
      pause > services_->retry.max_backoff) {
    return absl::Status(
        why.code(),
        absl::StrCat("cannot download ", item_->path, ": ", why.message(),
                     pause > services_->retry.max_backoff
                         ? absl::StrCat("; it asks to wait for ",
                                        absl::FormatDuration(pause))
                         : absl::StrCat("; tried ", failures_, " times"),
                     ". What has arrived stays (", bytes_there(), " of ",
                     item_->size, " bytes); run again to go on"));
  }
  not_before_ = std::max(not_before_, now + pause);
  if (counts && services_->notice) {
    services_->notice(absl::StrCat(
        item_->path, ": ", why.message(), "; trying again in ",
        absl::FormatDuration(absl::Trunc(pause, absl::Milliseconds(1)))));
  }
  return absl::OkStatus();
}

absl::Status FileDownload::Changed(absl::string_view why) {
  if (++changes_ <= kMaxChanges) return Restart(why);
  return absl::UnavailableError(
      absl::StrCat(item_->path,
                   " changes on the server again and again while it is being "
                   "downloaded: ",
                   why, ". Run again when it is stable"));
}

absl::Status FileDownload::Restart(absl::string_view why) {
  if (services_->notice) {
    services_->notice(absl::StrCat(item_->path, " starts over: ", why));
  }
  ForgetLocation();
  validator_.clear();
  RETURN_IF_ERROR(partial_->Restart());
  return StartDigest();
}

absl::Status FileDownload::Advance() {
  if (digest_ == nullptr) return absl::OkStatus();
  const std::optional<absl::StatusOr<std::string>> result = digest_->Result();
  if (!result.has_value()) return absl::OkStatus();
  if (!result->ok()) return result->status();
  if (**result != item_->etag) return Mismatch(**result);
  RETURN_IF_ERROR(partial_->Commit());
  RETURN_IF_ERROR(item_->publish());
  Finish();
  return absl::OkStatus();
}

void FileDownload::Finish() {
  complete_ = true;
  digest_.reset();
  partial_.reset();
  if (IsUnflushed(item_->paths)) services_->flusher->Add(item_->paths);
}

absl::Status FileDownload::Mismatch(absl::string_view found) {
  const std::string what =
      absl::StrCat("its ", base::DigestName(item_->digest_kind), " is ", found,
                   ", the hub lists ", item_->etag);
  // What a crash of the machine has spoilt is nobody's fault.
  if (partial_->has_old_bytes() || ++mismatches_ == 1) return Restart(what);
  digest_.reset();
  partial_->Discard();
  return absl::DataLossError(absl::StrCat(
      item_->path, " is wrong again after a second download: ", what,
      ". The server, a proxy or the disk damages it; try another network, "
      "mirror or disk"));
}

}  // namespace fetch
