// File: fetch/testing/nginx_hub.h
//
// nginx as a hub: serves a HubRepo by TLS, LFS files from a second origin, with
// the configuration in testdata/nginx.conf and certificates of an authority
// that is made for the occasion.

#ifndef FETCH_TESTING_NGINX_HUB_H_
#define FETCH_TESTING_NGINX_HUB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/testing/child_process.h"
#include "base/testing/temp_dir.h"
#include "fetch/testing/hub_repo.h"

namespace fetch::testing {

// What is missing on this machine to run it, for a message; empty if nothing.
std::string MissingForNginxHub();

class NginxHub {
 public:
  // `limit_rate` is nginx's, per connection to the store: "0" for none, "2m".
  NginxHub(const HubRepo& repo, absl::string_view limit_rate);

  std::string url() const;
  // The file with the authority's certificate.
  std::string authority() const { return dir_ / "authority.crt"; }

  // A line for each finished request: "PORT STATUS BYTES PATH".
  std::vector<std::string> Log() const;
  // Bytes of all bodies that the store has sent.
  uint64_t BytesFromStore() const;
  // How many requests there were for a path with this in it.
  int CountRequests(absl::string_view in_path) const;

 private:
  void MakeCertificates();
  void WriteFiles(const HubRepo& repo);
  void WriteConfiguration(const HubRepo& repo, absl::string_view limit_rate);
  void Start();

  const base::TempDir dir_;
  int hub_port_;
  int store_port_;
  std::unique_ptr<base::ChildProcess> nginx_;
};

}  // namespace fetch::testing

#endif  // FETCH_TESTING_NGINX_HUB_H_
