// File: fetch/fetch_options.h
//
// What a call of FetchSnapshot is about.

#ifndef FETCH_FETCH_OPTIONS_H_
#define FETCH_FETCH_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace fetch {

// Where to download from and to. An unset optional takes what the environment
// says, by huggingface_hub's rules (see fetch/environment.h).
struct FetchOptions {
  std::string repo_id;            // "ORG/NAME", or "NAME" for a canonical model
  std::string revision = "main";  // branch, tag, commit or refs/pr/N

  // Shell patterns as of huggingface_hub: `*` also matches "/", and a pattern
  // that ends in "/" means all below that directory. Without `include`, what a
  // conversion needs is chosen (see fetch/file_selection.h); with it, exactly
  // the files that match. `exclude` is taken off either.
  std::vector<std::string> include;
  std::vector<std::string> exclude;

  std::optional<std::string> endpoint;    // HF_ENDPOINT
  std::optional<std::string> home;        // HF_HOME
  std::optional<std::string> cache_dir;   // HF_HUB_CACHE
  std::optional<std::string> token;       // HF_TOKEN; "" for none
  std::optional<std::string> token_path;  // HF_TOKEN_PATH, a file
  std::optional<std::string> proxy;  // https_proxy and its kin; "" for none
  std::optional<bool> offline;       // HF_HUB_OFFLINE: no network at all
  // Puts plain files here instead of into the cache.
  std::optional<std::string> local_dir;

  int connections = 8;  // at most, over all files; at least 1
  // A connection that brings no byte for this long is given up and retried.
  absl::Duration stall_timeout = absl::Seconds(30);
  // Tries of one request that bring nothing new before the job fails.
  int max_tries = 6;
  // The pause after the first failed try; doubles with each, with jitter.
  absl::Duration first_backoff = absl::Milliseconds(500);
  // Pauses longer than this are not waited for, also when a server asks.
  absl::Duration max_backoff = absl::Minutes(5);
};

}  // namespace fetch

#endif  // FETCH_FETCH_OPTIONS_H_
