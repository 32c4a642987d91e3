// File: fetch/partial_file.h
//
// A file that is being downloaded in ranges, in any order, and goes on where
// another process left it.

#ifndef FETCH_PARTIAL_FILE_H_
#define FETCH_PARTIAL_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/file_lock.h"
#include "base/range_set.h"
#include "fetch/download_paths.h"
#include "fetch/range_record.h"

namespace fetch {

// How much of the file is there already, without changing anything: by our
// record, or else by another client's partial file.
uint64_t BytesThere(const DownloadPaths& paths, const RecordKey& key);

// Holds the lock at paths.lock_path while it lives, so that even a flush that
// comes late is the only one to write here. One thread uses it, but for Sync.
class PartialFile {
 public:
  // Opens or makes the partial file and reserves its space on the disk. Takes
  // over another client's partial file if it has more than ours.
  static absl::StatusOr<std::unique_ptr<PartialFile>> Open(
      const DownloadPaths& paths, const RecordKey& key,
      std::unique_ptr<base::FileLock> lock);

  // Notes what is there in the record and closes both.
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  int fd() const { return fd_; }
  const base::RangeSet& there() const { return there_; }

  // Writes where it belongs. The record follows every half megabyte.
  absl::Status Write(uint64_t offset, const char* data, size_t size);

  // Notes in the record all that was written.
  absl::Status Note();

  // Forgets all that is there.
  absl::Status Restart();

  // Flushes to the disk and notes it. From any thread, one at a time; may take
  // long and does not hold up the others.
  absl::Status Sync();

  // Gives the file its final name. The record stays until the file is flushed,
  // see final_flush.h. Nothing else but Sync may be called after it.
  absl::Status Commit();

  // Removes file and record. Nothing else may be called after it.
  void Discard();

 private:
  PartialFile(const DownloadPaths& paths, const RecordKey& key, int fd,
              std::unique_ptr<base::FileLock> lock)
      : lock_(std::move(lock)), paths_(paths), key_(key), fd_(fd) {}

  absl::Status Reserve();
  absl::Status MakeRecord(const RecordedRanges& ranges);

  const std::unique_ptr<base::FileLock> lock_;
  const DownloadPaths paths_;
  const RecordKey key_;
  const int fd_;
  base::RangeSet there_;
  base::RangeSet unnoted_;  // written, but not yet in the record
  absl::Mutex mutex_;       // so that Sync never brings a removed record back
  std::shared_ptr<RangeRecord> record_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fetch

#endif  // FETCH_PARTIAL_FILE_H_
