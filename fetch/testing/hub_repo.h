// File: fetch/testing/hub_repo.h
//
// A made-up repository with the answers that a hub gives about it.

#ifndef FETCH_TESTING_HUB_REPO_H_
#define FETCH_TESTING_HUB_REPO_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fetch::testing {

// Bytes that do not repeat, the same for the same seed.
std::string RandomBytes(size_t size, uint64_t seed);

struct HubFile {
  std::string contents;
  bool lfs = false;
};

class HubRepo {
 public:
  explicit HubRepo(absl::string_view repo_id = "org/model")
      : repo_id_(repo_id) {}

  void Add(absl::string_view path, absl::string_view contents, bool lfs);

  // What a conversion needs of a small model: a card, configuration, tokenizer
  // and one LFS file of weights of this size.
  static HubRepo SmallModel(size_t weights_size);

  const std::string& repo_id() const { return repo_id_; }
  const std::string& commit() const { return commit_; }
  void set_commit(absl::string_view commit) { commit_ = std::string(commit); }
  const std::map<std::string, HubFile>& files() const { return files_; }
  const std::string& contents(const std::string& path) const;

  // The hash by which the hub names the contents: SHA-256 for LFS files, git's
  // blob SHA-1 for others.
  std::string Etag(const std::string& path) const;

  // The path of the LFS file with this SHA-256; empty if there is none.
  std::string PathOfLfs(absl::string_view sha256) const;

  // Answers of the API. A page of the tree holds `per_page` entries; there are
  // Pages(per_page) of them.
  std::string RevisionJson() const;
  std::string TreeJson(size_t page, size_t per_page) const;
  size_t Pages(size_t per_page) const;

 private:
  std::string EntryJson(const std::string& path) const;

  std::string repo_id_;
  std::string commit_ = "0123456789abcdef0123456789abcdef01234567";
  std::map<std::string, HubFile> files_;
};

// Takes away the variables of this process that the client reads, so that a
// test does not depend on the machine's.
void ClearHubEnvironment();

}  // namespace fetch::testing

#endif  // FETCH_TESTING_HUB_REPO_H_
