// File: fetch/testing/fault_fixture.h
//
// The whole client against a server of the test, which serves a small model
// rightly until the test says otherwise.

#ifndef FETCH_TESTING_FAULT_FIXTURE_H_
#define FETCH_TESTING_FAULT_FIXTURE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/testing/temp_dir.h"
#include "fetch/fetch.h"
#include "fetch/observer.h"
#include "fetch/testing/fault_server.h"
#include "fetch/testing/hub_repo.h"
#include "gtest/gtest.h"

namespace fetch {

inline constexpr size_t kMiB = 1 << 20;

inline bool AsksForWeights(const testing::Request& request) {
  return absl::StrContains(request.path, "model.safetensors") ||
         absl::StrContains(request.path, "/blobs/");
}

class FaultFixture : public ::testing::Test {
 protected:
  FaultFixture()
      : repo_(testing::HubRepo::SmallModel(6 * kMiB)), server_(&repo_) {
    testing::ClearHubEnvironment();
    options_.repo_id = repo_.repo_id();
    options_.endpoint = server_.url();
    options_.token = "";
    options_.cache_dir = temp_ / "hub";
    options_.first_backoff = absl::Milliseconds(2);
    observer_.notice = [this](absl::string_view line) {
      absl::StrAppend(&notices_, line, "\n");
    };
  }

  absl::StatusOr<Snapshot> Fetch() {
    return FetchSnapshot(options_, observer_);
  }

  // Fetches and expects every file of the snapshot to be right.
  Snapshot FetchAndCheck() {
    absl::StatusOr<Snapshot> snapshot = Fetch();
    EXPECT_TRUE(snapshot.ok()) << snapshot.status() << "\n" << notices_;
    if (!snapshot.ok()) return {};
    EXPECT_EQ(snapshot->files.size(), repo_.files().size());
    for (const SnapshotFile& file : snapshot->files) {
      EXPECT_TRUE(
          base::Contents(absl::StrCat(snapshot->directory, "/", file.path)) ==
          repo_.contents(file.path))
          << file.path << " is wrong";
    }
    return *snapshot;
  }

  // Bytes over the network beyond what the files have.
  static uint64_t ReceivedAgain(const Snapshot& snapshot) {
    return snapshot.received_bytes - snapshot.total_bytes;
  }

  // Where the cache has the contents of a file.
  std::string BlobPath(const std::string& path) const {
    return temp_ /
           absl::StrCat("hub/models--org--model/blobs/", repo_.Etag(path));
  }

  base::TempDir temp_;
  testing::HubRepo repo_;
  testing::FaultServer server_;
  FetchOptions options_;
  FetchObserver observer_;
  std::string notices_;
};

}  // namespace fetch

#endif  // FETCH_TESTING_FAULT_FIXTURE_H_
