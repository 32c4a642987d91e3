// File: fetch/cache/range_record.h
//
// The paths that have to do with the download of one file, and the record that
// says which of its bytes are there and whether they are safe:
//
//   make-gguf ranges 1 ETAG SIZE BOOT
//   written BEGIN END
//
// A text file beside the partial file, with a line for bytes that were handed
// to the operating system. A killed process loses nothing of them. After a
// crash of the machine they may not be what was written; the file's hash, which
// is compared before it gets its name, tells. A line without its end, or
// anything else that is not as above, ends the record. The ETAG names the
// contents: for another one, nothing counts as there.
//
// A verified file gets its final name at once and reaches the disk a little
// later (final_flush.h). Until then its record stays beside it: one of another
// BOOT, or an incomplete one, means that the file may have lost contents.

#ifndef FETCH_CACHE_RANGE_RECORD_H_
#define FETCH_CACHE_RANGE_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/range_set.h"

namespace fetch {

struct DownloadPaths {
  std::string final_path;    // where verified contents go
  std::string partial_path;  // our partial file; may have gaps
  std::string record_path;   // its record
  // Another client's partial file, see foreign_partial.h. Ours has another
  // name, because such a client takes the size for what is there.
  std::string foreign_partial_path;
  std::string lock_path;  // held while any of the above is changed
};

// Smaller files have no record: they are fetched whole again after a kill, and
// hashed each time they are to be believed.
inline constexpr uint64_t kRecordedFrom = uint64_t{1} << 20;

// Identifies this run of the operating system; empty if it cannot be told.
std::string BootId();

// What a record is about, and what must be the same for it to count.
struct RecordKey {
  std::string etag;   // without blanks
  uint64_t size = 0;  // of the whole file
};

struct RecordedRanges {
  base::RangeSet there;
  bool of_this_boot = false;  // false also if it cannot be told
};

// Reads the record at `path` without changing anything. Empty if there is
// none, or if it is about another file or not a record.
RecordedRanges ReadRangeRecord(const std::string& path, const RecordKey& key);

// Makes the record at `path` say exactly `there`, in one step. `boot_id` is for
// tests.
absl::Status WriteRangeRecord(const std::string& path, const RecordKey& key,
                              const base::RangeSet& there,
                              const std::string& boot_id = BootId());

// What to append to a record for these bytes.
std::string RecordLines(const base::RangeSet& written);

// True if the file at paths.final_path is not known to be on the disk.
bool IsUnflushed(const DownloadPaths& paths);

// True if only its hash can tell whether the file at paths.final_path has the
// contents that it should have.
bool MustBeHashed(const DownloadPaths& paths, const RecordKey& key);

}  // namespace fetch

#endif  // FETCH_CACHE_RANGE_RECORD_H_
