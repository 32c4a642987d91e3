// File: fetch/protocol/http_client.h
//
// Many HTTP GET requests at once on one thread, by libcurl. Knows nothing of
// the hub: redirects come back as responses, so that the caller decides who
// sees which credentials. Proxies are those of the usual environment variables.

#ifndef FETCH_PROTOCOL_HTTP_CLIENT_H_
#define FETCH_PROTOCOL_HTTP_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "fetch/protocol/http_message.h"

namespace fetch {

// Takes a response as it arrives. Calls come from within HttpClient::Poll.
class HttpSink {
 public:
  virtual ~HttpSink() = default;

  // The status and headers are complete. False ends the transfer.
  virtual bool OnHeaders(const HttpResponse& response) = 0;
  // The next bytes of the body. False ends the transfer.
  virtual bool OnBody(const char* data, size_t size) = 0;
  // Nothing follows. Not called after HttpClient::Abort. May start and abort
  // transfers, which the two calls above must not.
  virtual void OnDone(const HttpResponse& response,
                      const HttpOutcome& outcome) = 0;
};

struct HttpOptions {
  std::string ca_bundle;  // file or directory; empty for the system's
  // Instead of what the environment says; empty for none.
  std::optional<std::string> proxy;
  // A transfer that brings less than a KiB in this time is given up.
  absl::Duration stall_timeout = absl::Seconds(30);
};

// Not thread-safe but for Wake.
class HttpClient {
 public:
  using TransferId = int64_t;

  explicit HttpClient(const HttpOptions& options);
  ~HttpClient();  // aborts what is under way
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // `sink` must live until OnDone or Abort.
  TransferId Start(const HttpRequest& request, HttpSink* sink);
  void Abort(TransferId id);

  // Moves data for up to `timeout`; returns early when a transfer has ended or
  // on Wake.
  void Poll(absl::Duration timeout);

  // Makes the current or next Poll return. From any thread.
  void Wake();

 private:
  struct Transfer;
  struct Impl;

  void SetOptions(const HttpRequest& request, Transfer* transfer) const;
  void Finish(TransferId id, const HttpOutcome& outcome);
  void FinishStalled();

  const HttpOptions options_;
  std::unique_ptr<Impl> impl_;
};

// A whole response with its body.
struct HttpPage {
  HttpResponse response;
  std::string body;
  HttpOutcome outcome;
};

// Waits for one response. A body over `max_body` bytes is an error, as is
// `cancelled` (may be empty) saying true.
HttpPage HttpGet(HttpClient* client, const HttpRequest& request,
                 size_t max_body, const std::function<bool()>& cancelled);

}  // namespace fetch

#endif  // FETCH_PROTOCOL_HTTP_CLIENT_H_
