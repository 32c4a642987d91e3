// The whole client against nginx, which serves the hub's layout over TLS; and
// what it leaves on the disk, checked against huggingface_hub's rules.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/range_set.h"
#include "base/testing/child_process.h"
#include "base/testing/temp_dir.h"
#include "fetch/cache/range_record.h"
#include "fetch/cache/repo_cache.h"
#include "fetch/fetch.h"
#include "fetch/testing/connect_proxy.h"
#include "fetch/testing/hub_repo.h"
#include "fetch/testing/nginx_hub.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace fetch {
namespace {

using ::base::ChildProcess;
using ::base::Contents;
using ::base::FilesBelow;
using ::base::LinkOf;
using ::base::RunProcess;
using ::base::TempDir;
using ::base::WriteContents;
using ::fetch::testing::ConnectProxy;
using ::fetch::testing::HubRepo;
using ::fetch::testing::NginxHub;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

constexpr size_t kMiB = 1 << 20;
constexpr char kTool[] = "fetch/hf_fetch";

class FetchNginxTest : public ::testing::Test {
 protected:
  FetchNginxTest() : repo_(HubRepo::SmallModel(3 * kMiB + 5)) {
    repo_.Add("additional_chat_templates/tool use.jinja", "{{ tools }}", false);
    repo_.Add("model.gguf", "not wanted", true);
    testing::ClearHubEnvironment();
    options_.repo_id = repo_.repo_id();
    options_.cache_dir = temp_ / "hub";
    options_.token = "hf_secret";
    options_.first_backoff = absl::Milliseconds(2);
    options_.max_tries = 3;
  }

  // Skips, loudly, where there is no nginx; fails where there must be one.
  void SetUp() override {
    const std::string missing = testing::MissingForNginxHub();
    if (missing.empty()) {
      StartHub("0");
      return;
    }
    const std::string message = absl::StrCat(
        missing,
        " IS NOT INSTALLED: THE CLIENT IS NOT TESTED AGAINST A REAL "
        "SERVER. apt-get install nginx-light openssl");
    std::cerr << "\n*** " << message << " ***\n\n";
    if (std::getenv("MAKE_GGUF_REQUIRE_NGINX") != nullptr) FAIL() << message;
    GTEST_SKIP() << message;
  }

  void StartHub(absl::string_view limit_rate) {
    hub_.reset();
    hub_ = std::make_unique<NginxHub>(repo_, limit_rate);
    options_.endpoint = hub_->url();
    setenv("SSL_CERT_FILE", hub_->authority().c_str(), 1);
  }

  // The cache's directory for the repository.
  std::string InRepo(absl::string_view path) const {
    return temp_ / absl::StrCat("hub/models--org--model/", path);
  }

  void ExpectRightFiles(const std::string& directory) const {
    for (const auto& [path, file] : repo_.files()) {
      if (path == "model.gguf") continue;
      EXPECT_TRUE(Contents(absl::StrCat(directory, "/", path)) == file.contents)
          << path << " is wrong";
    }
  }

  // As huggingface_hub leaves a finished download, without its newer files.
  void WriteCacheOfAnotherClient() const {
    for (const auto& [path, file] : repo_.files()) {
      const std::string blob = InRepo("blobs/" + repo_.Etag(path));
      WriteContents(blob, file.contents);
      const std::string link =
          InRepo(absl::StrCat("snapshots/", repo_.commit(), "/", path));
      WriteContents(link, "");
      unlink(link.c_str());
      ASSERT_EQ(symlink(blob.c_str(), link.c_str()), 0);
    }
    WriteContents(InRepo("refs/main"), repo_.commit());
  }

  TempDir temp_;
  HubRepo repo_;
  // What was written of a file that is under way is noted, but for the last
  // three quarters of a megabyte, and nothing else is.
  void ExpectNoted(const std::string& path) const {
    const DownloadPaths paths =
        RepoCache(temp_ / "hub", "org/model").BlobPaths(repo_.Etag(path));
    const std::string partial = Contents(paths.partial_path);
    if (partial == "(none)") return;
    const std::string& right = repo_.contents(path);
    const base::RangeSet noted =
        ReadRangeRecord(paths.record_path, {repo_.Etag(path), right.size()})
            .there;
    for (const base::Range& range : noted.Ranges()) {
      EXPECT_TRUE(partial.substr(range.begin, range.size()) ==
                  right.substr(range.begin, range.size()));
    }
    constexpr size_t kBlock = 4096;
    size_t written = 0;
    for (size_t at = 0; at < right.size(); at += kBlock) {
      if (partial.compare(at, kBlock, right, at, kBlock) == 0) {
        written += kBlock;
      }
    }
    EXPECT_LE(written, noted.size() + (size_t{768} << 10));
  }

  FetchOptions options_;
  std::unique_ptr<NginxHub> hub_;
};

TEST_F(FetchNginxTest, LeavesTheCacheAsHuggingfaceHubDoes) {
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  const std::string commit = "0123456789abcdef0123456789abcdef01234567";
  EXPECT_EQ(snapshot->commit, commit);
  EXPECT_EQ(snapshot->directory, InRepo("snapshots/" + commit));
  ExpectRightFiles(snapshot->directory);

  const std::string card = repo_.Etag("README.md");
  const std::string chat =
      repo_.Etag("additional_chat_templates/tool use.jinja");
  const std::string config = repo_.Etag("config.json");
  const std::string tokenizer = repo_.Etag("tokenizer.json");
  const std::string weights = repo_.Etag("model.safetensors");
  EXPECT_EQ(weights.size(), 64);
  EXPECT_EQ(config.size(), 40);
  const std::string repo = "models--org--model/";
  const std::string locks = ".locks/models--org--model/";
  const std::string files = repo + "snapshots/" + commit + "/";
  EXPECT_THAT(
      FilesBelow(temp_ / "hub"),
      UnorderedElementsAreArray(
          {std::string("CACHEDIR.TAG"), locks + card + ".lock",
           locks + chat + ".lock", locks + config + ".lock",
           locks + tokenizer + ".lock", locks + weights + ".lock",
           repo + "blobs/" + card, repo + "blobs/" + chat,
           repo + "blobs/" + config, repo + "blobs/" + tokenizer,
           repo + "blobs/" + weights, repo + "refs/main", files + "README.md",
           files + "additional_chat_templates/tool use.jinja",
           files + "config.json", files + "tokenizer.json",
           files + "model.safetensors", repo + "trees/" + commit + ".json"}));

  const std::string in = snapshot->directory + "/";
  EXPECT_EQ(LinkOf(in + "README.md"), "../../blobs/" + card);
  EXPECT_EQ(LinkOf(in + "model.safetensors"), "../../blobs/" + weights);
  EXPECT_EQ(LinkOf(in + "additional_chat_templates/tool use.jinja"),
            "../../../blobs/" + chat);
  EXPECT_EQ(LinkOf(InRepo("blobs/" + weights)), "(no link)");
  EXPECT_EQ(Contents(InRepo("refs/main")), commit);
  EXPECT_THAT(
      Contents(temp_ / "hub/CACHEDIR.TAG"),
      ::testing::StartsWith("Signature: 8a477f597d28d172789f06886806bc55"));

  const nlohmann::json tree =
      nlohmann::json::parse(Contents(InRepo("trees/" + commit + ".json")));
  EXPECT_EQ(tree["format_version"], 1);
  EXPECT_EQ(tree["files"].size(), repo_.files().size());
  EXPECT_EQ(tree["files"]["config.json"]["blob_id"], config);
  EXPECT_EQ(tree["files"]["model.safetensors"]["lfs_sha256"], weights);
  EXPECT_EQ(tree["files"]["model.safetensors"]["lfs_size"], 3 * kMiB + 5);
}

TEST_F(FetchNginxTest, FindsWhatAnotherClientDownloaded) {
  WriteCacheOfAnotherClient();
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(snapshot->received_bytes, 0);
  EXPECT_EQ(hub_->CountRequests("/resolve/"), 0);
  ExpectRightFiles(snapshot->directory);
}

TEST_F(FetchNginxTest, GoesOnWhereAnotherClientStopped) {
  const std::string weights = repo_.Etag("model.safetensors");
  WriteContents(InRepo("blobs/" + weights + ".incomplete"),
                repo_.contents("model.safetensors").substr(0, 2 * kMiB));
  const absl::StatusOr<SnapshotPlan> plan = PlanSnapshot(options_);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->total_bytes - plan->bytes_to_fetch, 2 * kMiB);
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(hub_->BytesFromStore(), kMiB + 5);
  ExpectRightFiles(snapshot->directory);
  EXPECT_THAT(FilesBelow(InRepo("blobs")),
              Not(Contains(HasSubstr("incomplete"))));
}

TEST_F(FetchNginxTest, GoesOnWhereAnotherClientWasKilled) {
  const std::string weights = repo_.Etag("model.safetensors");
  WriteContents(InRepo("blobs/" + weights + ".0a1b2c3d.incomplete"),
                repo_.contents("model.safetensors").substr(0, 2 * kMiB));
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(hub_->BytesFromStore(), kMiB + 5);
  ExpectRightFiles(snapshot->directory);
}

TEST_F(FetchNginxTest, WrongBytesOfAnotherClientAreFetchedAgain) {
  const std::string weights = repo_.Etag("model.safetensors");
  WriteContents(InRepo("blobs/" + weights + ".incomplete"),
                std::string(2 * kMiB, 'x'));
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  ExpectRightFiles(snapshot->directory);
}

TEST_F(FetchNginxTest, FlagsStandForTheEnvironment) {
  WriteContents(temp_ / "token", "hf_secret\n");
  setenv("HF_ENDPOINT", "http://127.0.0.1:9", 1);
  setenv("HF_HOME", "/nowhere", 1);
  setenv("HF_HUB_CACHE", "/nowhere/else", 1);
  setenv("HF_TOKEN", "hf_other", 1);
  std::vector<std::string> command = {
      kTool, "org/model", "--endpoint=" + hub_->url(),
      "--hf_home=" + temp_.path(), "--token_path=" + temp_ / "token"};
  EXPECT_EQ(RunProcess(command, {.output = temp_ / "output"}).exit_code, 0)
      << Contents(temp_ / "output");
  ExpectRightFiles(InRepo("snapshots/" + repo_.commit()));
  command[1] = "org/gated";
  EXPECT_EQ(RunProcess(command, {.output = temp_ / "refusal"}).exit_code, 1);
  EXPECT_THAT(Contents(temp_ / "refusal"),
              HasSubstr(absl::StrCat("The token used is from the token file ",
                                     temp_ / "token")));
  testing::ClearHubEnvironment();
}

TEST_F(FetchNginxTest, PullRequestRevision) {
  options_.revision = "refs/pr/1";
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(Contents(InRepo("refs/refs/pr/1")), repo_.commit());
}

TEST_F(FetchNginxTest, CommitNeedsNoRef) {
  options_.revision = repo_.commit();
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(hub_->CountRequests("/revision/"), 0);
  EXPECT_THAT(FilesBelow(InRepo("refs")), ElementsAre());
}

TEST_F(FetchNginxTest, DryRunChangesNothing) {
  const absl::StatusOr<SnapshotPlan> plan = PlanSnapshot(options_);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->files.size(), 5);
  EXPECT_EQ(plan->bytes_to_fetch, plan->total_bytes);
  EXPECT_EQ(FilesBelow(temp_.path()).size(), 0);
}

TEST_F(FetchNginxTest, LocalDirectory) {
  options_.local_dir = temp_ / "local";
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(snapshot->directory, temp_ / "local");
  ExpectRightFiles(snapshot->directory);
  EXPECT_EQ(LinkOf(temp_ / "local/config.json"), "(no link)");
  const std::string hub = temp_ / "local/.cache/huggingface";
  EXPECT_EQ(Contents(hub + "/.gitignore"), "*");
  EXPECT_THAT(Contents(hub + "/download/config.json.metadata"),
              ::testing::StartsWith(repo_.commit() + "\n" +
                                    repo_.Etag("config.json") + "\n1"));
  EXPECT_THAT(FilesBelow(hub + "/download"),
              Not(Contains(HasSubstr("incomplete"))));
  EXPECT_THAT(FilesBelow(temp_.path()), Not(Contains(HasSubstr("models--"))));

  const absl::StatusOr<Snapshot> again = FetchSnapshot(options_);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->received_bytes, 0);

  // A file that a user has changed since is fetched again.
  absl::SleepFor(absl::Milliseconds(1200));
  WriteContents(temp_ / "local/config.json", "{}");
  ASSERT_TRUE(FetchSnapshot(options_).ok());
  ExpectRightFiles(snapshot->directory);
}

TEST_F(FetchNginxTest, LocalDirectoryTakesFilesFromTheCache) {
  ASSERT_TRUE(FetchSnapshot(options_).ok());
  options_.local_dir = temp_ / "local";
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(snapshot->received_bytes, 0);
  ExpectRightFiles(snapshot->directory);
}

TEST_F(FetchNginxTest, OfflineListsWhatIsMissing) {
  options_.include = {"*.json"};
  ASSERT_TRUE(FetchSnapshot(options_).ok());
  hub_.reset();
  options_.offline = true;
  EXPECT_TRUE(FetchSnapshot(options_).ok());
  options_.include.clear();
  const absl::Status status = FetchSnapshot(options_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("model.safetensors"), HasSubstr("README.md"),
                    Not(HasSubstr("config.json"))));
}

TEST_F(FetchNginxTest, OfflineMakesTheLinksThatAreMissing) {
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  // As after a stop between two files that another revision has as well.
  ASSERT_EQ(unlink((snapshot->directory + "/config.json").c_str()), 0);
  hub_.reset();
  options_.offline = true;
  ASSERT_TRUE(FetchSnapshot(options_).ok());
  ExpectRightFiles(snapshot->directory);
  // The cache is enough for a directory of plain files.
  options_.local_dir = temp_ / "local";
  const absl::StatusOr<Snapshot> local = FetchSnapshot(options_);
  ASSERT_TRUE(local.ok()) << local.status();
  ExpectRightFiles(temp_ / "local");
}

TEST_F(FetchNginxTest, OfflineWithTheCacheOfAnotherClient) {
  WriteCacheOfAnotherClient();
  options_.offline = true;
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  ExpectRightFiles(snapshot->directory);
}

TEST_F(FetchNginxTest, WithoutAConnectionWhatIsThereIsUsed) {
  ASSERT_TRUE(FetchSnapshot(options_).ok());
  hub_.reset();
  std::string notices;
  FetchObserver observer;
  observer.notice = [&notices](absl::string_view line) {
    absl::StrAppend(&notices, line, "\n");
  };
  EXPECT_TRUE(FetchSnapshot(options_, observer).ok());
  EXPECT_THAT(notices, HasSubstr("downloaded before"));
}

TEST_F(FetchNginxTest, UnknownAuthorityIsRefused) {
  unsetenv("SSL_CERT_FILE");
  const absl::Status status = FetchSnapshot(options_).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("SSL_CERT_FILE"));
  EXPECT_EQ(hub_->Log().size(), 0);
}

TEST_F(FetchNginxTest, DeadProxyIsNamed) {
  setenv("https_proxy", "http://user:password@127.0.0.1:9", 1);
  options_.max_tries = 1;
  const absl::Status status = FetchSnapshot(options_).status();
  unsetenv("https_proxy");
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("https_proxy"), Not(HasSubstr("password"))));
}

// With a proxy between the client and the hub.
class FetchProxyTest : public FetchNginxTest {
 protected:
  FetchProxyTest() { options_.proxy = ProxyUrl("user:password@"); }

  std::string ProxyUrl(absl::string_view credentials) const {
    return absl::StrCat("http://", credentials, "127.0.0.1:", proxy_.port());
  }

  ConnectProxy proxy_{"user:password"};
};

TEST_F(FetchProxyTest, EverythingGoesThroughIt) {
  const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  ExpectRightFiles(snapshot->directory);
  // Hub and store; neither shows the proxy the token.
  EXPECT_THAT(proxy_.requests(), SizeIs(::testing::Ge(2)));
  EXPECT_THAT(proxy_.requests(), Each(Not(HasSubstr("hf_secret"))));
}

TEST_F(FetchProxyTest, EnvironmentNamesItAndItsExceptions) {
  options_.proxy.reset();
  setenv("https_proxy", ProxyUrl("user:password@").c_str(), 1);
  setenv("no_proxy", "localhost", 1);
  EXPECT_TRUE(FetchSnapshot(options_).ok());
  EXPECT_THAT(proxy_.requests(), SizeIs(0));
  unsetenv("no_proxy");
  options_.cache_dir = temp_ / "other";
  EXPECT_TRUE(FetchSnapshot(options_).ok());
  EXPECT_THAT(proxy_.requests(), SizeIs(::testing::Ge(2)));
  // The flag for no proxy outdoes it.
  const size_t before = proxy_.requests().size();
  options_.proxy = "";
  options_.cache_dir = temp_ / "third";
  EXPECT_TRUE(FetchSnapshot(options_).ok());
  EXPECT_THAT(proxy_.requests(), SizeIs(before));
  unsetenv("https_proxy");
}

TEST_F(FetchProxyTest, WrongPasswordIsSaidAtOnce) {
  options_.proxy = ProxyUrl("user:secret@");
  const absl::Status status = FetchSnapshot(options_).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("--proxy"), HasSubstr("NAME:PASSWORD"),
                    Not(HasSubstr("secret"))));
  EXPECT_THAT(proxy_.requests(), SizeIs(1));
}

TEST_F(FetchProxyTest, RefusalIsSaidAtOnceAndABusyProxyTriedAgain) {
  proxy_.RefuseNext(1, 403);
  const absl::Status status = FetchSnapshot(options_).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("403"), HasSubstr("The proxy failed")));
  proxy_.RefuseNext(1, 503);
  EXPECT_TRUE(FetchSnapshot(options_).ok());
}

TEST_F(FetchNginxTest, GatedRepositorySaysWhereToAsk) {
  options_.repo_id = "org/gated";
  const absl::Status status = FetchSnapshot(options_).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr(hub_->url() + "/org/gated"), HasSubstr("--token"),
                    Not(HasSubstr("hf_secret"))));
}

TEST_F(FetchNginxTest, MissingRepositoryAndRevisionAreToldApart) {
  options_.repo_id = "org/nothing";
  absl::Status status = FetchSnapshot(options_).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("no repository org/nothing"));
  options_.repo_id = "org/model";
  options_.revision = "v2";
  status = FetchSnapshot(options_).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("no revision 'v2'"));
}

TEST_F(FetchNginxTest, MissingFileSaysWhatThereIs) {
  options_.include = {"*.onnx"};
  const absl::Status status = FetchSnapshot(options_).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("*.onnx"), HasSubstr("config.json")));
}

TEST_F(FetchNginxTest, UnwritableCacheIsSaid) {
  WriteContents(temp_ / "hub", "a file where the cache should be");
  const absl::Status status = FetchSnapshot(options_).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr(temp_ / "hub"));
}

TEST_F(FetchNginxTest, CancelledCallKeepsWhatArrived) {
  StartHub("4m");
  FetchObserver observer;
  uint64_t done = 0;
  observer.progress = [&done](const FetchProgress& progress) {
    done = progress.done_bytes;
  };
  observer.cancelled = [&done] { return done > kMiB; };
  const absl::Status status = FetchSnapshot(options_, observer).status();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  const absl::StatusOr<SnapshotPlan> plan = PlanSnapshot(options_);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_GT(plan->total_bytes - plan->bytes_to_fetch, kMiB);
}

TEST_F(FetchNginxTest, KilledAtAnyMomentItGoesOn) {
  repo_.Add("model.safetensors", testing::RandomBytes(24 * kMiB, 7), true);
  StartHub("2m");
  const std::vector<std::string> command = {
      kTool, "org/model", "--endpoint=" + hub_->url(),
      "--cache_dir=" + temp_ / "hub", "--connections=4"};
  std::mt19937 random(5);
  int kills = 0;
  while (true) {
    ChildProcess tool(command, {.environment = {{"HF_TOKEN", "hf_secret"}},
                                .output = temp_ / "output"});
    const absl::Time end = absl::Now() + absl::Milliseconds(random() % 900);
    while (tool.IsRunning() && absl::Now() < end) {
      absl::SleepFor(absl::Milliseconds(5));
    }
    if (!tool.IsRunning()) {
      EXPECT_EQ(tool.Wait().exit_code, 0) << Contents(temp_ / "output");
      break;
    }
    tool.Kill();
    ++kills;
    ASSERT_LT(kills, 100) << Contents(temp_ / "output");
    ExpectNoted("model.safetensors");
  }
  EXPECT_GT(kills, 2);
  ExpectRightFiles(InRepo("snapshots/" + repo_.commit()));
  EXPECT_THAT(FilesBelow(InRepo("blobs")),
              Not(Contains(HasSubstr("incomplete"))));
}

TEST_F(FetchNginxTest, TwoProcessesShareTheWork) {
  repo_.Add("model.safetensors", testing::RandomBytes(8 * kMiB, 7), true);
  StartHub("4m");
  const std::vector<std::string> command = {kTool, "org/model",
                                            "--endpoint=" + hub_->url(),
                                            "--cache_dir=" + temp_ / "hub"};
  ChildProcess first(command, {.output = temp_ / "first"});
  ChildProcess second(command, {.output = temp_ / "second"});
  EXPECT_EQ(first.Wait().exit_code, 0) << Contents(temp_ / "first");
  EXPECT_EQ(second.Wait().exit_code, 0) << Contents(temp_ / "second");
  ExpectRightFiles(InRepo("snapshots/" + repo_.commit()));
  EXPECT_EQ(hub_->BytesFromStore(), 8 * kMiB);
}

}  // namespace
}  // namespace fetch
