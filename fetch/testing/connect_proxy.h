// File: fetch/testing/connect_proxy.h
//
// A proxy on loopback that knows CONNECT, by which clients reach servers with
// TLS.

#ifndef FETCH_TESTING_CONNECT_PROXY_H_
#define FETCH_TESTING_CONNECT_PROXY_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "fetch/testing/loopback_server.h"

namespace fetch::testing {

class ConnectProxy {
 public:
  // Connects to this machine whatever host is asked for. `credentials` are what
  // a client must give, "NAME:PASSWORD"; empty for none.
  explicit ConnectProxy(absl::string_view credentials = "");

  int port() const { return server_.port(); }

  // Refuses the next `count` requests with this status.
  void RefuseNext(int count, int status);

  // The heads of all requests so far.
  std::vector<std::string> requests() const;

 private:
  void Serve(int client);
  // The status to answer `head` with.
  int Judge(const std::string& head);

  const std::string authorization_;  // the header line that is wanted
  mutable absl::Mutex mutex_;
  int refusals_ ABSL_GUARDED_BY(mutex_) = 0;
  int refusal_status_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  LoopbackServer server_;
};

}  // namespace fetch::testing

#endif  // FETCH_TESTING_CONNECT_PROXY_H_
