// File: fetch/download/final_flush.h
//
// Verified files get their final name at once and reach the disk a little
// later: a download does not wait for a disk that is slower than the network.
// See range_record.h for what becomes of them should the machine go down
// before.

#ifndef FETCH_DOWNLOAD_FINAL_FLUSH_H_
#define FETCH_DOWNLOAD_FINAL_FLUSH_H_

#include <atomic>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/work_queue.h"
#include "fetch/cache/range_record.h"

namespace fetch {

// Flushes files in the background, one after another, and removes their
// records. Thread-safe.
class FinalFlusher {
 public:
  FinalFlusher() = default;
  // Leaves what is not flushed to a later run; waits for a short step only.
  ~FinalFlusher() { given_up_ = true; }
  FinalFlusher(const FinalFlusher&) = delete;
  FinalFlusher& operator=(const FinalFlusher&) = delete;

  // The file at paths.final_path is verified, and its lock free.
  void Add(const DownloadPaths& paths);

  // Waits until all is flushed, but not longer than `patience`: what is not
  // flushed then keeps its record, which is no error. An error if the disk
  // refused a file, which is then hashed again by the next run.
  absl::Status Wait(absl::Duration patience);

 private:
  absl::Status Flush(const DownloadPaths& paths) const;

  std::atomic<bool> given_up_{false};
  absl::Mutex mutex_;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  base::WorkQueue queue_{1};  // last: its thread uses the above
};

}  // namespace fetch

#endif  // FETCH_DOWNLOAD_FINAL_FLUSH_H_
