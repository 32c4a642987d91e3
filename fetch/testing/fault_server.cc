#include "fetch/testing/fault_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/range_set.h"
#include "fetch/testing/hub_repo.h"
#include "fetch/testing/loopback_server.h"

namespace fetch::testing {
namespace {

// "bytes=5-9" or "bytes=5-".
std::optional<base::Range> ParseRange(absl::string_view header) {
  if (!absl::ConsumePrefix(&header, "bytes=")) return std::nullopt;
  const std::vector<absl::string_view> ends = absl::StrSplit(header, '-');
  base::Range range = {0, std::numeric_limits<int64_t>::max()};
  if (ends.size() != 2 || !absl::SimpleAtoi(ends[0], &range.begin)) {
    return std::nullopt;
  }
  if (absl::SimpleAtoi(ends[1], &range.end)) ++range.end;
  return range;
}

// Reads up to the empty line; nullopt when the client has gone.
std::optional<Request> ReadRequest(int fd, std::string* buffer) {
  size_t end;
  while ((end = buffer->find("\r\n\r\n")) == std::string::npos) {
    char bytes[4096];
    const ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
    if (got <= 0) return std::nullopt;
    buffer->append(bytes, static_cast<size_t>(got));
  }
  const std::string head = buffer->substr(0, end);
  buffer->erase(0, end + 4);
  const std::vector<std::string> lines = absl::StrSplit(head, "\r\n");
  const std::vector<std::string> words = absl::StrSplit(lines[0], ' ');
  if (words.size() != 3) return std::nullopt;
  Request request;
  const std::pair<std::string, std::string> target =
      absl::StrSplit(words[1], absl::MaxSplits('?', 1));
  request.path = target.first;
  request.query = target.second;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> header =
        absl::StrSplit(lines[i], absl::MaxSplits(": ", 1));
    request.headers[absl::AsciiStrToLower(header.first)] = header.second;
  }
  request.range = ParseRange(request.Header("range"));
  return request;
}

}  // namespace

std::string Request::Header(const std::string& name) const {
  const auto header = headers.find(name);
  return header == headers.end() ? "" : header->second;
}

void Connection::Send(absl::string_view bytes) {
  while (open_ && !bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      open_ = false;
      return;
    }
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void Connection::SendHead(int status, const std::vector<std::string>& headers,
                          std::optional<uint64_t> content_length) {
  std::string head = absl::StrCat("HTTP/1.1 ", status, " Status\r\n");
  for (const std::string& header : headers) {
    absl::StrAppend(&head, header, "\r\n");
  }
  if (content_length.has_value()) {
    absl::StrAppend(&head, "Content-Length: ", *content_length, "\r\n");
  }
  Send(head + "\r\n");
}

void Connection::Reply(int status, const std::vector<std::string>& headers,
                       absl::string_view body) {
  SendHead(status, headers, body.size());
  Send(body);
}

void Connection::Wait(absl::Duration duration) {
  const absl::Time end = absl::Now() + duration;
  while (absl::Now() < end && !server_->stopping()) {
    absl::SleepFor(absl::Milliseconds(5));
  }
}

FaultServer::FaultServer(const HubRepo* repo)
    : repo_(repo), server_([this](int fd) { Serve(fd); }) {}

std::string FaultServer::url() const {
  return absl::StrCat("http://127.0.0.1:", server_.port());
}

void FaultServer::SetFault(Fault fault) {
  absl::MutexLock lock(&mutex_);
  fault_ = std::move(fault);
}

void FaultServer::SetRepo(const HubRepo* repo) {
  absl::MutexLock lock(&mutex_);
  repo_ = repo;
}

void FaultServer::RedirectLfsTo(absl::string_view url) {
  absl::MutexLock lock(&mutex_);
  lfs_url_ = std::string(url);
}

std::vector<Request> FaultServer::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

int FaultServer::CountRequests(absl::string_view in_path) const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(std::count_if(
      requests_.begin(), requests_.end(), [in_path](const Request& request) {
        return absl::StrContains(request.path, in_path);
      }));
}

void FaultServer::Serve(int fd) {
  Connection connection(fd, &server_);
  std::string buffer;
  while (connection.open() && !server_.stopping()) {
    const std::optional<Request> request = ReadRequest(fd, &buffer);
    if (!request.has_value()) break;
    Fault fault;
    {
      absl::MutexLock lock(&mutex_);
      requests_.push_back(*request);
      fault = fault_;
    }
    if (!fault || !fault(*request, &connection)) Answer(*request, &connection);
  }
}

void FaultServer::ReplyWithFile(const Request& request,
                                absl::string_view contents,
                                absl::string_view etag,
                                Connection* connection) {
  const std::string quoted = absl::StrCat("\"", etag, "\"");
  if (!request.Header("if-match").empty() &&
      request.Header("if-match") != quoted) {
    connection->Reply(412, {}, "");
    return;
  }
  std::vector<std::string> headers = {absl::StrCat("ETag: ", quoted)};
  if (!request.range.has_value()) {
    connection->Reply(200, headers, contents);
    return;
  }
  const uint64_t size = contents.size();
  const base::Range range = {request.range->begin,
                             std::min(request.range->end, size)};
  if (range.begin >= size) {
    connection->Reply(416, {absl::StrCat("Content-Range: bytes */", size)}, "");
    return;
  }
  headers.push_back(absl::StrCat("Content-Range: bytes ", range.begin, "-",
                                 range.end - 1, "/", size));
  connection->Reply(206, headers, contents.substr(range.begin, range.size()));
}

void FaultServer::AnswerApi(const Request& request, Connection* connection) {
  absl::MutexLock lock(&mutex_);
  if (absl::StrContains(request.path, "/revision/")) {
    connection->Reply(200, {}, repo_->RevisionJson());
  } else {
    connection->Reply(200, {}, repo_->TreeJson(0, repo_->files().size() + 1));
  }
}

void FaultServer::AnswerResolve(const Request& request, const std::string& path,
                                Connection* connection) {
  const HubRepo* repo;
  std::string lfs_url;
  {
    absl::MutexLock lock(&mutex_);
    repo = repo_;
    lfs_url = lfs_url_;
  }
  const auto file = repo->files().find(path);
  if (file == repo->files().end()) {
    connection->Reply(404, {"X-Error-Code: EntryNotFound"}, "");
    return;
  }
  const std::string etag = repo->Etag(path);
  if (!file->second.lfs || lfs_url.empty()) {
    ReplyWithFile(request, file->second.contents, etag, connection);
    return;
  }
  connection->Reply(
      302,
      {absl::StrCat("Location: ", lfs_url, "/blobs/", etag,
                    "?signature=", signature_.fetch_add(1)),
       absl::StrCat("X-Linked-Etag: \"", etag, "\""),
       absl::StrCat("X-Linked-Size: ", file->second.contents.size()),
       absl::StrCat("X-Repo-Commit: ", repo->commit())},
      "redirecting");
}

void FaultServer::Answer(const Request& request, Connection* connection) {
  const HubRepo* repo;
  {
    absl::MutexLock lock(&mutex_);
    repo = repo_;
  }
  absl::string_view path = request.path;
  if (absl::StartsWith(path, "/api/models/")) {
    AnswerApi(request, connection);
  } else if (absl::ConsumePrefix(&path,
                                 absl::StrCat("/", repo->repo_id(), "/resolve/",
                                              repo->commit(), "/"))) {
    AnswerResolve(request, std::string(path), connection);
  } else if (absl::ConsumePrefix(&path, "/blobs/")) {
    const std::string name = repo->PathOfLfs(path);
    if (name.empty()) {
      connection->Reply(404, {}, "");
    } else {
      ReplyWithFile(request, repo->contents(name), "etag-of-the-store",
                    connection);
    }
  } else {
    connection->Reply(404, {"X-Error-Code: RepoNotFound"}, "");
  }
}

}  // namespace fetch::testing
