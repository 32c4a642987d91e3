// File: fetch/observer.h
//
// How a download shows what it does while it runs, and is asked to stop.

#ifndef FETCH_OBSERVER_H_
#define FETCH_OBSERVER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace fetch {

struct FileProgress {
  std::string path;       // in the repository
  uint64_t size = 0;      // bytes
  uint64_t done = 0;      // bytes on disk, from this run or before
  bool complete = false;  // verified and under its final name
};

struct FetchProgress {
  // All files of the snapshot that are wanted; stable order over one call.
  std::vector<FileProgress> files;
  uint64_t total_bytes = 0;
  uint64_t done_bytes = 0;
  uint64_t received_bytes = 0;              // over the network, in this call
  double bytes_per_second = 0;              // over the last seconds
  std::optional<absl::Duration> time_left;  // unknown at a rate of 0
  int open_connections = 0;
};

// Calls come from the thread that called FetchSnapshot, never concurrently.
// Any may be empty.
struct FetchObserver {
  // At the start, at most ten times a second, and at the end.
  std::function<void(const FetchProgress&)> progress;
  // One line for the user: a retry, a file that changed, a wait for a lock.
  std::function<void(absl::string_view)> notice;
  // Polled several times a second; true ends the call with Cancelled. What has
  // arrived stays for the next call.
  std::function<bool()> cancelled;
};

}  // namespace fetch

#endif  // FETCH_OBSERVER_H_
