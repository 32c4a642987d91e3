// File: fetch/testing/loopback_server.h
//
// Accepts connections on a free port of 127.0.0.1, for the servers of tests.

#ifndef FETCH_TESTING_LOOPBACK_SERVER_H_
#define FETCH_TESTING_LOOPBACK_SERVER_H_

#include <netinet/in.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace fetch::testing {

sockaddr_in LoopbackAddress(int port);

class LoopbackServer {
 public:
  // `serve` gets each connection on a thread of its own, and need not close it.
  explicit LoopbackServer(std::function<void(int fd)> serve);
  // Shuts all connections down and waits for `serve` to return. What `serve`
  // uses must still be there: let this be the last member of its owner.
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  // True once the destructor runs.
  bool stopping() const { return stopping_; }

 private:
  void Accept();
  void Serve(int fd);

  const std::function<void(int)> serve_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  absl::Mutex mutex_;
  std::set<int> open_fds_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::thread accepting_;
};

}  // namespace fetch::testing

#endif  // FETCH_TESTING_LOOPBACK_SERVER_H_
