// File: fetch/download/partial_file.h
//
// A file that is being downloaded in ranges, in any order, and goes on where
// another process left it.

#ifndef FETCH_DOWNLOAD_PARTIAL_FILE_H_
#define FETCH_DOWNLOAD_PARTIAL_FILE_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_lock.h"
#include "base/range_set.h"
#include "fetch/cache/range_record.h"

namespace fetch {

// How much of a file is there, without changing anything: by our record, or
// else by another client's partial file.
struct PartialBytes {
  uint64_t there = 0;     // that need not be fetched again
  uint64_t reserved = 0;  // that need no more space on the disk
};
PartialBytes FindPartialBytes(const DownloadPaths& paths, const RecordKey& key);

// Holds its lock while it lives. Thread-compatible.
class PartialFile {
 public:
  // Opens or makes the partial file and reserves its space on the disk. Takes
  // over another client's partial file if it has more than ours. Where the lock
  // keeps nobody out, works under names of its own, which are the common ones
  // again in the end.
  static absl::StatusOr<std::unique_ptr<PartialFile>> Open(
      const DownloadPaths& paths, const RecordKey& key,
      std::unique_ptr<base::FileLock> lock);

  // Notes what is there in the record and closes both.
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  int fd() const { return fd_; }
  const base::RangeSet& there() const { return there_; }
  // Some of what is there was written before the machine was started last.
  bool has_old_bytes() const { return has_old_bytes_; }

  // Writes where it belongs. The record follows every half megabyte.
  absl::Status Write(uint64_t offset, absl::string_view bytes);

  // Forgets all that is there.
  absl::Status Restart();

  // Gives the file its final name. The record stays until the file is flushed.
  // Nothing else may be called after it.
  absl::Status Commit();

  // Removes file and record. Nothing else may be called after it.
  void Discard();

 private:
  PartialFile(const DownloadPaths& paths, const RecordKey& key,
              std::unique_ptr<base::FileLock> lock)
      : lock_(std::move(lock)), shared_(paths), own_(paths), key_(key) {}

  bool has_record() const { return key_.size >= kRecordedFrom; }
  void TakeOwnNames();
  absl::Status TakeOver();
  absl::Status OpenFiles();
  absl::Status Reserve() const;
  absl::Status MakeRecord();
  absl::Status Note();

  const std::unique_ptr<base::FileLock> lock_;
  const DownloadPaths shared_;  // under which names others find it
  DownloadPaths own_;           // and under which it is now
  const RecordKey key_;
  int fd_ = -1;
  int record_fd_ = -1;
  base::RangeSet there_;
  base::RangeSet unnoted_;  // written, but not yet in the record
  bool has_old_bytes_ = false;
};

}  // namespace fetch

#endif  // FETCH_DOWNLOAD_PARTIAL_FILE_H_
