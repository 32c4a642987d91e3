// File: fetch/download/file_download.h
//
// The download of one file: what is there and what is under way, where its
// bytes are to be had at the moment, how often that has failed, and its hash.
// Makes no requests itself; see downloader.h.

#ifndef FETCH_DOWNLOAD_FILE_DOWNLOAD_H_
#define FETCH_DOWNLOAD_FILE_DOWNLOAD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/digest.h"
#include "base/file_lock.h"
#include "base/range_set.h"
#include "base/work_queue.h"
#include "fetch/cache/range_record.h"
#include "fetch/download/final_flush.h"
#include "fetch/download/following_digest.h"
#include "fetch/download/partial_file.h"
#include "fetch/protocol/retry.h"

namespace fetch {

// One file to download.
struct DownloadItem {
  std::string path;  // in the repository; for messages and progress
  std::string url;   // at the hub
  uint64_t size = 0;
  base::DigestKind digest_kind = base::DigestKind::kSha256;
  std::string etag;  // the hash that the contents must have, in hexadecimal
  DownloadPaths paths;
  // Called once the lock is held: takes the file from where it is if it need
  // not be downloaded, or not any more; false if it must be.
  std::function<absl::StatusOr<bool>()> adopt;
  // Called when verified contents have got their final name, with the lock
  // held; for links and metadata.
  std::function<absl::Status()> publish;
};

// What the downloads of one call have in common.
struct DownloadServices {
  RetryPolicy retry;
  base::WorkQueue* digests = nullptr;
  FinalFlusher* flusher = nullptr;
  std::function<void()> wake;                     // from any thread
  std::function<void(absl::string_view)> notice;  // may be empty
};

// Not thread-safe.
class FileDownload {
 public:
  // Both must outlive this.
  FileDownload(const DownloadItem* item, const DownloadServices* services);

  const DownloadItem& item() const { return *item_; }
  bool complete() const { return complete_; }
  uint64_t bytes_there() const;

  // Tries to begin: takes the lock, finds what is there. False if another
  // process is at this file; then try again later.
  absl::StatusOr<bool> Begin();

  // The next bytes to ask for, which then count as asked for until Released;
  // nullopt if there is nothing to ask for now. `connections` is how many
  // there can be, so that none gets too large a part of what is left.
  std::optional<base::Range> TakeRange(int connections, absl::Time now);
  // The request for `range` has ended, whatever it brought.
  void ReleaseRange(base::Range range);

  // When the pause after the last failure ends; by base::SteadyNow, as all
  // times here.
  absl::Time not_before() const { return not_before_; }

  // Where to ask for bytes.
  const std::string& url() const;
  bool at_hub() const { return location_.empty(); }
  // The ETag that earlier bytes from url() had, with quotes; empty if unknown.
  std::string validator() const;

  // The hub, or where it sent us, redirects to `url`. False if it has done so
  // too often.
  bool RedirectedTo(const std::string& url);
  // The bytes from url() are what we want, under this ETag (may be empty).
  void Confirm(absl::string_view etag);
  // Forget where the bytes are; ask the hub again.
  void ForgetLocation();
  // The server does not know ranges: have one request at a time.
  void WithoutRanges() { whole_only_ = true; }

  // Writes bytes from `offset` on, but for those that are there already.
  absl::Status Write(uint64_t offset, absl::string_view bytes);

  // A request that was begun at `begun` failed. Requests that fail together
  // count once. OK if it is worth trying again, after a pause; `requested` is
  // how long the server asked to wait.
  absl::Status Failed(const absl::Status& why, absl::Time begun,
                      std::optional<absl::Duration> requested);

  // The server's file is not the one that was begun: starts over. An error if
  // that happens again and again.
  absl::Status Changed(absl::string_view why);

  // Looks after the hash: when it is complete, compares it and gives the file
  // its final name. To be called now and then.
  absl::Status Advance();

 private:
  absl::Status StartDigest();
  void Finish();
  // Throws away what is there, because the file has changed or is wrong.
  absl::Status Restart(absl::string_view why);
  absl::Status Mismatch(absl::string_view found);

  const DownloadItem* const item_;
  const DownloadServices* const services_;
  std::unique_ptr<PartialFile> partial_;
  std::unique_ptr<FollowingDigest> digest_;
  bool complete_ = false;

  base::RangeSet asked_;  // requests under way
  std::string location_;  // empty for item_->url
  bool confirmed_ = false;
  int redirects_ = 0;
  std::string validator_;
  std::string validator_of_;  // the address that the validator is of
  bool whole_only_ = false;

  int failures_ = 0;
  uint64_t new_since_failure_ = 0;
  absl::Time last_failure_ = absl::InfinitePast();
  absl::Time not_before_ = absl::InfinitePast();
  int changes_ = 0;
  int mismatches_ = 0;  // of the hash
  absl::BitGen random_;
};

}  // namespace fetch

#endif  // FETCH_DOWNLOAD_FILE_DOWNLOAD_H_
