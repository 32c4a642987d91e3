#include "fetch/testing/connect_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "fetch/testing/loopback_server.h"

namespace fetch::testing {
namespace {

// The port of "CONNECT HOST:PORT HTTP/1.1"; 0 if it is no such request.
int PortOf(absl::string_view head) {
  if (!absl::StartsWith(head, "CONNECT ")) return 0;
  const absl::string_view target = head.substr(8, head.find(' ', 8) - 8);
  int port = 0;
  return absl::SimpleAtoi(target.substr(target.rfind(':') + 1), &port) ? port
                                                                       : 0;
}

int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = LoopbackAddress(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

bool SendAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// Moves what has come from one to the other; false at the end.
bool Move(int from, int to) {
  char bytes[1 << 16];
  const ssize_t got = recv(from, bytes, sizeof(bytes), 0);
  return got > 0 && SendAll(to, {bytes, static_cast<size_t>(got)});
}

void Tunnel(int client, int server) {
  pollfd ends[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
  while (poll(ends, 2, -1) >= 0) {
    if (ends[0].revents != 0 && !Move(client, server)) return;
    if (ends[1].revents != 0 && !Move(server, client)) return;
  }
}

std::string ReadHead(int fd) {
  std::string head;
  char byte;
  while (!absl::EndsWith(head, "\r\n\r\n") && recv(fd, &byte, 1, 0) == 1) {
    head.push_back(byte);
  }
  return head;
}

}  // namespace

ConnectProxy::ConnectProxy(absl::string_view credentials)
    : authorization_(credentials.empty()
                         ? ""
                         : absl::StrCat("Proxy-Authorization: Basic ",
                                        absl::Base64Escape(credentials))),
      server_([this](int fd) { Serve(fd); }) {}

void ConnectProxy::RefuseNext(int count, int status) {
  absl::MutexLock lock(&mutex_);
  refusals_ = count;
  refusal_status_ = status;
}

std::vector<std::string> ConnectProxy::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

int ConnectProxy::Judge(const std::string& head) {
  absl::MutexLock lock(&mutex_);
  requests_.push_back(head);
  if (refusals_ > 0) {
    --refusals_;
    return refusal_status_;
  }
  return absl::StrContains(head, authorization_) ? 200 : 407;
}

void ConnectProxy::Serve(int client) {
  const std::string head = ReadHead(client);
  int status = Judge(head);
  const int server = status == 200 ? ConnectTo(PortOf(head)) : -1;
  if (status == 200 && server < 0) status = 502;
  if (SendAll(client, absl::StrCat("HTTP/1.1 ", status, " Status\r\n\r\n")) &&
      status == 200) {
    Tunnel(client, server);
  }
  if (server >= 0) close(server);
}

}  // namespace fetch::testing
