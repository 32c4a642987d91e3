// File: fetch/final_flush.h
//
// Verified files get their final name at once and reach the disk a little
// later: a download does not wait for a disk that is slower than the network.
// Until a file is on the disk, its range record (range_record.h) stays beside
// it, all noted as written. Should the machine go down before, the record is
// then of another boot, so that the file is not believed but hashed again.

#ifndef FETCH_FINAL_FLUSH_H_
#define FETCH_FINAL_FLUSH_H_

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/work_queue.h"
#include "fetch/download_paths.h"
#include "fetch/range_record.h"

namespace fetch {

// True if a record beside paths.final_path says that it is not known to be on
// the disk.
bool IsUnflushed(const DownloadPaths& paths);

// True if the unflushed file at paths.final_path may have lost contents since,
// by a crash of the machine or an error of the disk. `key` names what the
// contents should be, and the boot of today.
bool MayBeTorn(const DownloadPaths& paths, const RecordKey& key);

// Flushes files in the background, many at once, and removes their records.
// Thread-safe.
class FinalFlusher {
 public:
  FinalFlusher() = default;
  // Leaves what is not flushed to a later run; waits for a short step only.
  ~FinalFlusher();
  FinalFlusher(const FinalFlusher&) = delete;
  FinalFlusher& operator=(const FinalFlusher&) = delete;

  // The file at paths.final_path is verified.
  void Add(const DownloadPaths& paths);

  // Waits until all is flushed, but not beyond `deadline`: what is not flushed
  // then keeps its record, which is no error. An error if the disk refused a
  // file, which is then hashed again by the next run.
  absl::Status WaitUntil(absl::Time deadline);

 private:
  struct File;

  void Run();
  bool GivenUp() const;
  void FlushBatch(const std::vector<DownloadPaths>& batch);

  mutable absl::Mutex mutex_;
  std::vector<DownloadPaths> waiting_ ABSL_GUARDED_BY(mutex_);
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  base::WorkQueue queue_{1};  // last: its thread uses the above
};

}  // namespace fetch

#endif  // FETCH_FINAL_FLUSH_H_
