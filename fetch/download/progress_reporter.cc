#include "fetch/download/progress_reporter.h"

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fetch/observer.h"

namespace fetch {
namespace {

constexpr absl::Duration kReportEvery = absl::Milliseconds(100);
constexpr absl::Duration kRateWindow = absl::Seconds(5);

}  // namespace

ProgressReporter::ProgressReporter(
    std::vector<FileProgress> files,
    std::function<void(const FetchProgress&)> report)
    : report_(std::move(report)) {
  progress_.files = std::move(files);
  for (const FileProgress& file : progress_.files) {
    progress_.total_bytes += file.size;
    progress_.done_bytes += file.done;
  }
}

void ProgressReporter::SetDone(size_t file, uint64_t done, bool complete) {
  FileProgress& progress = progress_.files[file];
  progress_.done_bytes += done - progress.done;  // may wrap on the way down
  progress.done = done;
  progress.complete = complete;
}

void ProgressReporter::SetRate(absl::Time now) {
  while (samples_.size() > 2 && samples_[1].time < now - kRateWindow) {
    samples_.pop_front();
  }
  const double seconds = absl::ToDoubleSeconds(now - samples_.front().time);
  const uint64_t bytes = samples_.back().received - samples_.front().received;
  progress_.bytes_per_second =
      seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
  progress_.time_left = std::nullopt;
  if (progress_.bytes_per_second > 0) {
    progress_.time_left = absl::Seconds(
        static_cast<double>(progress_.total_bytes - progress_.done_bytes) /
        progress_.bytes_per_second);
  }
}

void ProgressReporter::Tick(uint64_t received, int open_connections,
                            absl::Time now, bool force) {
  if (!report_ || (!force && now - last_report_ < kReportEvery)) return;
  last_report_ = now;
  samples_.push_back({now, received});
  SetRate(now);
  progress_.received_bytes = received;
  progress_.open_connections = open_connections;
  report_(progress_);
}

}  // namespace fetch
