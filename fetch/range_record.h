// File: fetch/range_record.h
//
// Remembers across processes which byte ranges of a partial file are there.
//
// The record is a text file beside the partial file:
//
//   make-gguf ranges 1 ETAG SIZE BOOT
//   synced BEGIN END
//   written BEGIN END
//
// `synced` bytes were flushed to the disk before their line was; they can be
// trusted always. `written` lines are appended as bytes are handed to the
// operating system: a killed process does not lose those, a crash of the
// machine does, so they are trusted only while the machine still runs with the
// boot identifier BOOT. A line without its end, or anything else that is not
// as above, ends the record.
//
// The ETAG names the contents: for another one, nothing counts as there.

#ifndef FETCH_RANGE_RECORD_H_
#define FETCH_RANGE_RECORD_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/range_set.h"

namespace fetch {

// Identifies this run of the operating system; empty if it cannot be told, in
// which case written but unsynced bytes are not trusted.
std::string BootId();

// What a record is about, and what must be the same for it to count.
struct RecordKey {
  std::string etag;   // without blanks
  uint64_t size = 0;  // of the whole file
  std::string boot_id;
};

struct RecordedRanges {
  base::RangeSet there;   // all that can be trusted
  base::RangeSet synced;  // the part of it that is on the disk
};

// Reads the record at `path` without changing anything. Empty if there is
// none, or if it is about another file or not a record.
RecordedRanges ReadRangeRecord(const std::string& path, const RecordKey& key);

// A record that is open for additions. Thread-safe.
class RangeRecord {
 public:
  // Makes the record at `path` say exactly `ranges`, in one step.
  static absl::StatusOr<std::unique_ptr<RangeRecord>> Create(
      const std::string& path, const RecordKey& key,
      const RecordedRanges& ranges);

  ~RangeRecord();
  RangeRecord(const RangeRecord&) = delete;
  RangeRecord& operator=(const RangeRecord&) = delete;

  // Notes bytes that have been written to the partial file.
  absl::Status AddWritten(const base::RangeSet& ranges);

  // All bytes noted until now. To be taken before the partial file is flushed,
  // and given to SetSynced after it.
  base::RangeSet Written() const;

  // Notes that the bytes in `ranges` are on the disk, and makes the record
  // short again. One thread at a time; AddWritten does not wait for the disk
  // meanwhile.
  absl::Status SetSynced(const base::RangeSet& ranges);

 private:
  RangeRecord(const std::string& path, const RecordKey& key)
      : path_(path), key_(key) {}

  // Replaces the file by one that says `synced` and what else is written.
  absl::Status Rewrite(const base::RangeSet& synced);

  const std::string path_;
  const RecordKey key_;
  mutable absl::Mutex mutex_;
  base::RangeSet written_ ABSL_GUARDED_BY(mutex_);
  int fd_ ABSL_GUARDED_BY(mutex_) = -1;
};

}  // namespace fetch

#endif  // FETCH_RANGE_RECORD_H_
