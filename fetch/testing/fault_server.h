// File: fetch/testing/fault_server.h
//
// A small HTTP server on loopback that serves a HubRepo, rightly or, where a
// test says so, wrongly.

#ifndef FETCH_TESTING_FAULT_SERVER_H_
#define FETCH_TESTING_FAULT_SERVER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/range_set.h"
#include "fetch/testing/hub_repo.h"
#include "fetch/testing/loopback_server.h"

namespace fetch::testing {

struct Request {
  std::string path;   // with "%" and all, without "?" and what follows
  std::string query;  // what follows the "?"
  std::map<std::string, std::string> headers;  // names in lower case
  std::optional<base::Range>
      range;  // of the Range header; open ends are INT64_MAX

  std::string Header(const std::string& name) const;
};

// The connection that a request came on; answers go here.
class Connection {
 public:
  Connection(int fd, const LoopbackServer* server) : fd_(fd), server_(server) {}

  // Status line, these header lines, and the length if it is given.
  void SendHead(int status, const std::vector<std::string>& headers,
                std::optional<uint64_t> content_length);
  void Send(absl::string_view bytes);
  // Both at once, for a whole short answer.
  void Reply(int status, const std::vector<std::string>& headers,
             absl::string_view body);

  // Waits, but not longer than the server lives.
  void Wait(absl::Duration duration);
  // The answer is over and so is the connection, also if bytes are missing.
  void Close() { open_ = false; }
  bool open() const { return open_; }

 private:
  const int fd_;
  const LoopbackServer* const server_;
  bool open_ = true;
};

class FaultServer {
 public:
  // Sees each request first; true says that it has answered. Called from
  // several threads at once.
  using Fault = std::function<bool(const Request&, Connection*)>;

  // `repo` must outlive this, and may not change but in SetRepo.
  explicit FaultServer(const HubRepo* repo);

  std::string url() const;
  void SetFault(Fault fault);
  void SetRepo(const HubRepo* repo);
  // Sends LFS files from this other origin by redirects, with an address that
  // is signed anew each time.
  void RedirectLfsTo(absl::string_view url);

  // All requests so far.
  std::vector<Request> requests() const;
  // How many of them had this in their path.
  int CountRequests(absl::string_view in_path) const;

  // The right answer for the contents of a file, with ranges: what the server
  // gives without a fault. `etag` without quotes.
  static void ReplyWithFile(const Request& request, absl::string_view contents,
                            absl::string_view etag, Connection* connection);

 private:
  void Serve(int fd);
  void Answer(const Request& request, Connection* connection);
  void AnswerApi(const Request& request, Connection* connection);
  void AnswerResolve(const Request& request, const std::string& path,
                     Connection* connection);

  std::atomic<int> signature_{0};
  mutable absl::Mutex mutex_;
  const HubRepo* repo_ ABSL_GUARDED_BY(mutex_);
  Fault fault_ ABSL_GUARDED_BY(mutex_);
  std::string lfs_url_ ABSL_GUARDED_BY(mutex_);
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  LoopbackServer server_;
};

}  // namespace fetch::testing

#endif  // FETCH_TESTING_FAULT_SERVER_H_
