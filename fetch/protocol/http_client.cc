#include "fetch/protocol/http_client.h"

#include <curl/curl.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/steady_clock.h"
#include "fetch/protocol/http_error.h"
#include "fetch/protocol/hub_url.h"

namespace fetch {
namespace {

constexpr char kUserAgent[] = "make_gguf/0.1";
constexpr size_t kMaxHeaders = 200;
// More lines than that are no head of an answer.
constexpr int kMaxHeaderLines = 1000;
// What comes more slowly than this in each stall timeout comes for ever.
constexpr size_t kLeastBytes = 1024;
constexpr size_t kMaxHeaderBytes = 16384;

void InitializeCurl() {
  static absl::once_flag once;
  absl::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

bool IsDirectory(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

void AllowOnlyHttp(CURL* easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                   static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

}  // namespace

struct HttpClient::Transfer {
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  HttpSink* sink = nullptr;
  HttpResponse response;
  bool headers_done = false;
  int header_lines = 0;
  absl::Time alive_at;     // by base::SteadyNow, as all times here
  size_t since_alive = 0;  // bytes of the body
  char error[CURL_ERROR_SIZE] = "";

  ~Transfer() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }

  void ShowLife() {
    alive_at = base::SteadyNow();
    since_alive = 0;
  }
  void AddHeaders(const HttpRequest& request);
  bool TakeHeaderLine(absl::string_view line);

  static size_t OnHeaderLine(char* data, size_t, size_t size, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    return transfer->TakeHeaderLine({data, size}) ? size : 0;
  }

  static size_t OnBody(char* data, size_t, size_t size, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    transfer->since_alive += size;
    if (transfer->since_alive >= kLeastBytes) transfer->ShowLife();
    return transfer->sink->OnBody(data, size) ? size : 0;
  }
};

void HttpClient::Transfer::AddHeaders(const HttpRequest& request) {
  const auto add = [this](const std::string& line) {
    headers = curl_slist_append(headers, line.c_str());
  };
  add("Accept-Encoding: identity");
  if (!request.bearer_token.empty()) {
    add(absl::StrCat("Authorization: Bearer ", request.bearer_token));
  }
  if (!request.if_match.empty()) {
    add(absl::StrCat("If-Match: ", request.if_match));
  }
}

// A response begins with its status line and ends its headers with an empty
// one. Interim (1xx) responses come before, trailers after the one that counts.
bool HttpClient::Transfer::TakeHeaderLine(absl::string_view line) {
  if (++header_lines > kMaxHeaderLines) return false;
  ShowLife();
  if (headers_done) return true;
  line = absl::StripTrailingAsciiWhitespace(line);
  if (absl::StartsWith(line, "HTTP/")) {
    const size_t space = std::min(line.find(' '), line.size());
    response.headers.clear();
    response.status = 0;
    return absl::SimpleAtoi(
        absl::StripLeadingAsciiWhitespace(line.substr(space)).substr(0, 3),
        &response.status);
  }
  if (line.empty()) {
    if (response.status < 200) return true;
    headers_done = true;
    return sink->OnHeaders(response);
  }
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || line.size() > kMaxHeaderBytes ||
      response.headers.size() >= kMaxHeaders) {
    return true;
  }
  response.headers[absl::AsciiStrToLower(line.substr(0, colon))] =
      std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  return true;
}

struct HttpClient::Impl {
  CURLM* multi = nullptr;
  TransferId next_id = 1;
  std::map<TransferId, std::unique_ptr<Transfer>> transfers;
};

HttpClient::HttpClient(const HttpOptions& options)
    : options_(options), impl_(std::make_unique<Impl>()) {
  InitializeCurl();
  impl_->multi = curl_multi_init();
}

HttpClient::~HttpClient() {
  while (!impl_->transfers.empty()) Abort(impl_->transfers.begin()->first);
  curl_multi_cleanup(impl_->multi);
}

HttpClient::TransferId HttpClient::Start(const HttpRequest& request,
                                         HttpSink* sink) {
  const TransferId id = impl_->next_id++;
  auto owned = std::make_unique<Transfer>();
  Transfer* transfer = owned.get();
  transfer->easy = curl_easy_init();
  transfer->sink = sink;
  transfer->response.url = request.url;
  transfer->ShowLife();
  transfer->AddHeaders(request);
  SetOptions(request, transfer);
  curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE,
                   reinterpret_cast<char*>(id));
  impl_->transfers[id] = std::move(owned);
  curl_multi_add_handle(impl_->multi, transfer->easy);
  return id;
}

void HttpClient::SetOptions(const HttpRequest& request,
                            Transfer* transfer) const {
  CURL* const easy = transfer->easy;
  if (request.range.has_value()) {
    const std::string range =
        absl::StrCat(request.range->begin, "-", request.range->end - 1);
    curl_easy_setopt(easy, CURLOPT_RANGE, range.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, kUserAgent);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  // Ranges over separate connections use a fast link better than HTTP/2's
  // streams in one.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                   static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(
      easy, CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(absl::ToInt64Milliseconds(options_.stall_timeout)));
  AllowOnlyHttp(easy);
  if (!options_.ca_bundle.empty()) {
    curl_easy_setopt(
        easy, IsDirectory(options_.ca_bundle) ? CURLOPT_CAPATH : CURLOPT_CAINFO,
        options_.ca_bundle.c_str());
  }
  if (options_.proxy.has_value()) {
    curl_easy_setopt(easy, CURLOPT_PROXY, options_.proxy->c_str());
  }
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::OnHeaderLine);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

void HttpClient::Abort(TransferId id) {
  const auto transfer = impl_->transfers.find(id);
  if (transfer == impl_->transfers.end()) return;
  curl_multi_remove_handle(impl_->multi, transfer->second->easy);
  impl_->transfers.erase(transfer);
}

void HttpClient::Finish(TransferId id, const HttpOutcome& outcome) {
  const auto found = impl_->transfers.find(id);
  if (found == impl_->transfers.end()) return;
  const std::unique_ptr<Transfer> transfer = std::move(found->second);
  impl_->transfers.erase(found);
  curl_multi_remove_handle(impl_->multi, transfer->easy);
  transfer->sink->OnDone(transfer->response, outcome);
}

void HttpClient::Poll(absl::Duration timeout) {
  int running = 0;
  curl_multi_perform(impl_->multi, &running);
  curl_multi_poll(impl_->multi, nullptr, 0,
                  static_cast<int>(absl::ToInt64Milliseconds(timeout)),
                  nullptr);
  curl_multi_perform(impl_->multi, &running);
  std::vector<std::pair<TransferId, CURLcode>> ended;
  int queued = 0;
  while (CURLMsg* message = curl_multi_info_read(impl_->multi, &queued)) {
    char* id = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &id);
    ended.emplace_back(reinterpret_cast<TransferId>(id), message->data.result);
  }
  for (const auto& [id, code] : ended) {
    // A sink that was told before may have aborted this one.
    const auto found = impl_->transfers.find(id);
    if (found == impl_->transfers.end()) continue;
    Finish(id, OutcomeOf(code, found->second->error,
                         found->second->response.url, options_.proxy));
  }
  FinishStalled();
}

void HttpClient::FinishStalled() {
  const absl::Time limit = base::SteadyNow() - options_.stall_timeout;
  std::vector<TransferId> stalled;
  for (const auto& [id, transfer] : impl_->transfers) {
    if (transfer->alive_at < limit) stalled.push_back(id);
  }
  for (TransferId id : stalled) {
    const auto found = impl_->transfers.find(id);
    if (found == impl_->transfers.end()) continue;
    Finish(id,
           StalledOutcome(found->second->response.url, options_.stall_timeout));
  }
}

void HttpClient::Wake() { curl_multi_wakeup(impl_->multi); }

namespace {

// Collects one page.
class PageSink : public HttpSink {
 public:
  PageSink(size_t max_body, HttpPage* page)
      : max_body_(max_body), page_(page) {}

  bool OnHeaders(const HttpResponse&) override { return true; }

  bool OnBody(const char* data, size_t size) override {
    too_long_ = size > max_body_ - page_->body.size();
    if (too_long_) return false;
    page_->body.append(data, size);
    return true;
  }

  void OnDone(const HttpResponse& response,
              const HttpOutcome& outcome) override {
    done_ = true;
    page_->response = response;
    page_->outcome = outcome;
    if (!too_long_) return;
    page_->outcome.may_retry = false;
    page_->outcome.status = absl::ResourceExhaustedError(
        absl::StrCat(PrintableUrl(response.url), " answers with more than ",
                     max_body_, " bytes, which is no sensible list"));
  }

  bool done() const { return done_; }

 private:
  const size_t max_body_;
  HttpPage* const page_;
  bool too_long_ = false;
  bool done_ = false;
};

}  // namespace

HttpPage HttpGet(HttpClient* client, const HttpRequest& request,
                 size_t max_body, const std::function<bool()>& cancelled) {
  HttpPage page;
  PageSink sink(max_body, &page);
  const HttpClient::TransferId id = client->Start(request, &sink);
  while (!sink.done()) {
    if (cancelled && cancelled()) {
      client->Abort(id);
      page.outcome = {absl::CancelledError("cancelled"), /*may_retry=*/false};
      return page;
    }
    client->Poll(absl::Milliseconds(100));
  }
  return page;
}

}  // namespace fetch
