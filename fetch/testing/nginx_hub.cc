#include "fetch/testing/nginx_hub.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/testing/child_process.h"
#include "base/testing/temp_dir.h"
#include "fetch/testing/hub_repo.h"
#include "fetch/testing/loopback_server.h"

namespace fetch::testing {
namespace {

constexpr char kConfiguration[] = "fetch/testdata/nginx.conf";
constexpr size_t kEntriesPerPage = 3;

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = LoopbackAddress(0);
  socklen_t length = sizeof(address);
  bind(fd, reinterpret_cast<sockaddr*>(&address), length);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  close(fd);
  return ntohs(address.sin_port);
}

bool Accepts(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = LoopbackAddress(port);
  const bool accepts = connect(fd, reinterpret_cast<const sockaddr*>(&address),
                               sizeof(address)) == 0;
  close(fd);
  return accepts;
}

void RunOpenssl(const base::TempDir& dir, const std::string& arguments) {
  std::vector<std::string> words = absl::StrSplit(arguments, ' ');
  words.insert(words.begin(), base::FindProgram("openssl"));
  const std::string output = dir / "openssl.log";
  if (base::RunProcess(words, {.output = output}).exit_code == 0) return;
  std::fprintf(stderr, "openssl failed: %s\n", base::Contents(output).c_str());
  std::abort();
}

}  // namespace

std::string MissingForNginxHub() {
  for (absl::string_view program : {"nginx", "openssl"}) {
    if (base::FindProgram(program).empty()) return std::string(program);
  }
  return "";
}

NginxHub::NginxHub(const HubRepo& repo, absl::string_view limit_rate)
    : hub_port_(FreePort()), store_port_(FreePort()) {
  MakeCertificates();
  WriteFiles(repo);
  WriteConfiguration(repo, limit_rate);
  Start();
}

std::string NginxHub::url() const {
  return absl::StrCat("https://localhost:", hub_port_);
}

void NginxHub::MakeCertificates() {
  base::WriteContents(dir_ / "names.cnf", "subjectAltName=DNS:localhost");
  const std::string key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes ";
  RunOpenssl(dir_, absl::StrCat("req -x509 ", key, "-keyout ",
                                dir_ / "authority.key", " -out ", authority(),
                                " -subj /CN=authority -days 2"));
  RunOpenssl(
      dir_, absl::StrCat("req ", key, "-keyout ", dir_ / "server.key", " -out ",
                         dir_ / "server.csr", " -subj /CN=localhost"));
  RunOpenssl(dir_,
             absl::StrCat("x509 -req -in ", dir_ / "server.csr", " -CA ",
                          authority(), " -CAkey ", dir_ / "authority.key",
                          " -CAcreateserial -days 2 -out ", dir_ / "server.crt",
                          " -extfile ", dir_ / "names.cnf"));
}

void NginxHub::WriteFiles(const HubRepo& repo) {
  const std::string api = absl::StrCat("hub/api/models/", repo.repo_id(), "/");
  for (absl::string_view revision : {"main", "refs/pr/1"}) {
    base::WriteContents(dir_ / absl::StrCat(api, "revision/", revision),
                        repo.RevisionJson());
  }
  for (size_t page = 0; page < repo.Pages(kEntriesPerPage); ++page) {
    base::WriteContents(dir_ / absl::StrCat("hub/tree/", page, ".json"),
                        repo.TreeJson(page, kEntriesPerPage));
  }
  for (const auto& [path, file] : repo.files()) {
    base::WriteContents(
        dir_ / (file.lfs ? absl::StrCat("store/blobs/", repo.Etag(path))
                         : absl::StrCat("hub/", repo.repo_id(), "/resolve/",
                                        repo.commit(), "/", path)),
        file.contents);
  }
}

void NginxHub::WriteConfiguration(const HubRepo& repo,
                                  absl::string_view limit_rate) {
  std::string pages = "map $arg_cursor $page_of_tree {\n  default 0;\n";
  std::string links = "map $arg_cursor $link_of_next_page {\n  default \"\";\n";
  for (size_t page = 0; page < repo.Pages(kEntriesPerPage); ++page) {
    const std::string cursor = page == 0 ? "\"\"" : absl::StrCat(page);
    absl::StrAppend(&pages, "  ", cursor, " ", page, ";\n");
    if (page + 1 == repo.Pages(kEntriesPerPage)) continue;
    absl::StrAppend(&links, "  ", cursor, " '<", url(), "/api/models/",
                    repo.repo_id(), "/tree/", repo.commit(),
                    "?recursive=true&cursor=", page + 1, ">; rel=\"next\"';\n");
  }
  base::WriteContents(dir_ / "maps.conf", pages + "}\n" + links + "}\n");
  std::string redirects;
  for (const auto& [path, file] : repo.files()) {
    if (!file.lfs) continue;
    absl::StrAppend(&redirects, "location = \"/", repo.repo_id(), "/resolve/",
                    repo.commit(), "/", path,
                    "\" {\n  add_header X-Linked-Etag '\"", repo.Etag(path),
                    "\"';\n  add_header X-Linked-Size ", file.contents.size(),
                    ";\n  add_header X-Repo-Commit ", repo.commit(),
                    ";\n  return 302 https://localhost:", store_port_,
                    "/blobs/", repo.Etag(path), "?signature=$request_id;\n}\n");
  }
  base::WriteContents(dir_ / "files.conf", redirects);
  base::WriteContents(
      dir_ / "nginx.conf",
      absl::StrReplaceAll(base::Contents(kConfiguration),
                          {{"@DIR@", dir_.path()},
                           {"@HUB_PORT@", absl::StrCat(hub_port_)},
                           {"@STORE_PORT@", absl::StrCat(store_port_)},
                           {"@REPO@", repo.repo_id()},
                           {"@COMMIT@", repo.commit()},
                           {"@LIMIT_RATE@", std::string(limit_rate)}}));
}

void NginxHub::Start() {
  const std::string output = dir_ / "output.log";
  nginx_ = std::make_unique<base::ChildProcess>(
      std::vector<std::string>{base::FindProgram("nginx"), "-e",
                               dir_ / "error.log", "-p", dir_.path(), "-c",
                               dir_ / "nginx.conf"},
      base::ProcessOptions{.output = output});
  while (!Accepts(hub_port_) || !Accepts(store_port_)) {
    if (!nginx_->IsRunning()) {
      std::fprintf(stderr, "nginx failed: %s\n%s\n",
                   base::Contents(output).c_str(),
                   base::Contents(dir_ / "error.log").c_str());
      std::abort();
    }
    absl::SleepFor(absl::Milliseconds(10));
  }
}

std::vector<std::string> NginxHub::Log() const {
  return absl::StrSplit(base::Contents(dir_ / "access.log"), '\n',
                        absl::SkipEmpty());
}

uint64_t NginxHub::BytesFromStore() const {
  uint64_t sum = 0;
  for (const std::string& line : Log()) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    uint64_t bytes = 0;
    if (words[0] == absl::StrCat(store_port_) &&
        absl::SimpleAtoi(words[2], &bytes)) {
      sum += bytes;
    }
  }
  return sum;
}

int NginxHub::CountRequests(absl::string_view in_path) const {
  const std::vector<std::string> log = Log();
  return static_cast<int>(
      std::count_if(log.begin(), log.end(), [in_path](const std::string& line) {
        return absl::StrContains(line, in_path);
      }));
}

}  // namespace fetch::testing
