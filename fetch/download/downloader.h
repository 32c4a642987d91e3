// File: fetch/download/downloader.h
//
// Downloads several files at once, each in several byte ranges at once, over a
// bounded number of connections. One thread moves the data; hashing and
// flushing have threads of their own.

#ifndef FETCH_DOWNLOAD_DOWNLOADER_H_
#define FETCH_DOWNLOAD_DOWNLOADER_H_

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/work_queue.h"
#include "fetch/download/connection_budget.h"
#include "fetch/download/file_download.h"
#include "fetch/download/final_flush.h"
#include "fetch/download/progress_reporter.h"
#include "fetch/observer.h"
#include "fetch/protocol/http_client.h"
#include "fetch/protocol/hub_error.h"
#include "fetch/protocol/retry.h"

namespace fetch {

struct DownloaderOptions {
  HubTarget target;  // the token goes to its endpoint's origin only
  RetryPolicy retry;
  int connections = 8;
};

// For one use by one thread.
class Downloader {
 public:
  // All pointers must outlive this.
  Downloader(const DownloaderOptions& options, HttpClient* client,
             const FetchObserver* observer, ProgressReporter* progress,
             FinalFlusher* flusher);
  ~Downloader();
  Downloader(const Downloader&) = delete;
  Downloader& operator=(const Downloader&) = delete;

  // Downloads all items, roughly in their order; item i is file
  // `progress_index[i]` of the reporter. Returns at the first error that
  // trying again does not mend; what has arrived stays noted. What is complete
  // has been given to the flusher.
  absl::Status Run(const std::vector<DownloadItem>& items,
                   const std::vector<size_t>& progress_index);

  uint64_t received_bytes() const { return received_; }

 private:
  class Transfer;
  struct Job {  // a file with its place in the progress
    std::unique_ptr<FileDownload> file;
    size_t progress_index = 0;
    absl::Time next_lock_try = absl::InfinitePast();
  };

  // The steps of one turn of the loop; times are base::SteadyNow's.
  absl::Duration TimeToNextTurn(absl::Time now) const;
  void StartTransfers(absl::Time now);
  bool StartTransferOfActive(absl::Time now);
  bool ActivateNext(absl::Time now);
  void KeepOnlyWholes();
  void AdvanceActive();
  void WriteGathered(absl::Time now);
  void ReportProgress(absl::Time now, bool force);

  void StartTransfer(FileDownload* file, base::Range range);
  void AbortTransfersOf(const FileDownload* file);
  // What a transfer that has ended means for its file.
  void Ended(Transfer* transfer, const HttpResponse& response,
             const HttpOutcome& outcome);
  absl::Status AfterAnswer(const Transfer& transfer,
                           const HttpResponse& response,
                           const HttpOutcome& outcome);
  absl::Status BodyEnded(const Transfer& transfer, const HttpOutcome& outcome);
  absl::Status Busy(const Transfer& transfer, const HttpResponse& response);
  absl::Status Redirected(const Transfer& transfer,
                          const HttpResponse& response);
  void Notice(const std::string& line) const;

  const DownloaderOptions options_;
  HttpClient* const client_;
  const FetchObserver* const observer_;
  ProgressReporter* const progress_;
  DownloadServices services_;
  ConnectionBudget budget_;

  std::deque<Job> waiting_;
  std::vector<Job> active_;
  std::list<std::unique_ptr<Transfer>> transfers_;
  uint64_t received_ = 0;
  uint64_t budgeted_ = 0;  // of received_, told to the budget
  absl::Time quiet_until_ = absl::InfinitePast();  // asked for by a server
  absl::Status status_;  // the first error that ends it all

  base::WorkQueue digests_;
};

}  // namespace fetch

#endif  // FETCH_DOWNLOAD_DOWNLOADER_H_
