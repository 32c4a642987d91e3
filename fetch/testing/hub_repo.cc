#include "fetch/testing/hub_repo.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/digest.h"

namespace fetch::testing {

std::string RandomBytes(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes;
  bytes.reserve(size + 8);
  while (bytes.size() < size) {
    const uint64_t word = random();
    bytes.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  bytes.resize(size);
  return bytes;
}

void HubRepo::Add(absl::string_view path, absl::string_view contents,
                  bool lfs) {
  files_[std::string(path)] = {std::string(contents), lfs};
}

HubRepo HubRepo::SmallModel(size_t weights_size) {
  HubRepo repo;
  repo.Add("README.md", "# A model\n", false);
  repo.Add("config.json", "{\"architectures\": [\"LlamaForCausalLM\"]}\n",
           false);
  repo.Add("tokenizer.json", "{}", false);
  repo.Add("model.safetensors", RandomBytes(weights_size, 1), true);
  return repo;
}

const std::string& HubRepo::contents(const std::string& path) const {
  return files_.at(path).contents;
}

std::string HubRepo::Etag(const std::string& path) const {
  const HubFile& file = files_.at(path);
  return base::HexDigest(file.lfs ? base::DigestKind::kSha256
                                  : base::DigestKind::kGitBlobSha1,
                         file.contents)
      .value();
}

std::string HubRepo::PathOfLfs(absl::string_view sha256) const {
  for (const auto& [path, file] : files_) {
    if (file.lfs && Etag(path) == sha256) return path;
  }
  return "";
}

std::string HubRepo::RevisionJson() const {
  return absl::StrCat(R"({"id": ")", repo_id_, R"(", "sha": ")", commit_,
                      R"(", "siblings": []})");
}

std::string HubRepo::EntryJson(const std::string& path) const {
  const HubFile& file = files_.at(path);
  // For an LFS file git has a pointer; any hash does for it here.
  const std::string oid =
      base::HexDigest(
          base::DigestKind::kGitBlobSha1,
          file.lfs ? absl::StrCat("pointer to ", path) : file.contents)
          .value();
  std::string json =
      absl::StrCat(R"({"type": "file", "oid": ")", oid, R"(", "size": )",
                   file.contents.size(), R"(, "path": ")", path, "\"");
  if (file.lfs) {
    absl::StrAppend(&json, R"(, "lfs": {"oid": ")", Etag(path),
                    R"(", "size": )", file.contents.size(),
                    R"(, "pointerSize": 134})");
  }
  return json + "}";
}

std::string HubRepo::TreeJson(size_t page, size_t per_page) const {
  std::vector<std::string> entries;
  if (page == 0) {
    entries.push_back(
        R"({"type": "directory", "oid": "0000000000000000000000000000000000000000", "size": 0, "path": "docs"})");
  }
  size_t index = 0;
  for (const auto& [path, file] : files_) {
    if (index++ / per_page == page) entries.push_back(EntryJson(path));
  }
  return absl::StrCat("[", absl::StrJoin(entries, ",\n"), "]");
}

size_t HubRepo::Pages(size_t per_page) const {
  return std::max<size_t>(1, (files_.size() + per_page - 1) / per_page);
}

void ClearHubEnvironment() {
  for (const char* name :
       {"HF_ENDPOINT",        "HF_HOME",
        "HF_HUB_CACHE",       "HUGGINGFACE_HUB_CACHE",
        "HF_TOKEN",           "HUGGING_FACE_HUB_TOKEN",
        "HF_TOKEN_PATH",      "HF_HUB_DISABLE_IMPLICIT_TOKEN",
        "HF_HUB_OFFLINE",     "TRANSFORMERS_OFFLINE",
        "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
        "SSL_CERT_FILE",      "http_proxy",
        "https_proxy",        "HTTPS_PROXY",
        "all_proxy",          "ALL_PROXY",
        "no_proxy",           "NO_PROXY"}) {
    unsetenv(name);
  }
}

}  // namespace fetch::testing
