// File: fetch/download/progress_reporter.h
//
// Keeps the state that FetchObserver::progress shows, with rate and time left.

#ifndef FETCH_DOWNLOAD_PROGRESS_REPORTER_H_
#define FETCH_DOWNLOAD_PROGRESS_REPORTER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "fetch/observer.h"

namespace fetch {

class ProgressReporter {
 public:
  // `report` may be empty.
  ProgressReporter(std::vector<FileProgress> files,
                   std::function<void(const FetchProgress&)> report);

  void SetDone(size_t file, uint64_t done, bool complete);

  // Reports if the last report was a tenth of a second ago, or if `force`.
  // `received` is what came over the network since the start.
  void Tick(uint64_t received, int open_connections, absl::Time now,
            bool force);

 private:
  struct Sample {
    absl::Time time;
    uint64_t received;
  };

  void SetRate(absl::Time now);

  FetchProgress progress_;
  const std::function<void(const FetchProgress&)> report_;
  std::deque<Sample> samples_;
  absl::Time last_report_ = absl::InfinitePast();
};

}  // namespace fetch

#endif  // FETCH_DOWNLOAD_PROGRESS_REPORTER_H_
