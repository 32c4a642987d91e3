// What becomes of a download when the server, the network or the process fails
// on the way: the final bytes are right, or the error is the stated one.

#include <atomic>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fetch/fetch.h"
#include "fetch/observer.h"
#include "fetch/testing/fault_server.h"
#include "fetch/testing/hub_repo.h"
#include "fetch/testing/temp_dir.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::fetch::testing::Connection;
using ::fetch::testing::Contents;
using ::fetch::testing::FaultServer;
using ::fetch::testing::HubRepo;
using ::fetch::testing::Request;
using ::fetch::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kMiB = 1 << 20;

bool AsksForWeights(const Request& request) {
  return absl::StrContains(request.path, "model.safetensors") ||
         absl::StrContains(request.path, "/blobs/");
}

class FetchFaultTest : public ::testing::Test {
 protected:
  explicit FetchFaultTest(size_t weights_size = 6 * kMiB)
      : repo_(HubRepo::SmallModel(weights_size)), server_(&repo_) {
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
      EXPECT_TRUE(Contents(absl::StrCat(snapshot->directory, "/", file.path)) ==
                  repo_.contents(file.path))
          << file.path << " is wrong";
    }
    return *snapshot;
  }

  // Bytes over the network beyond what the files have.
  uint64_t ReceivedAgain(const Snapshot& snapshot) const {
    return snapshot.received_bytes - snapshot.total_bytes;
  }

  TempDir temp_;
  HubRepo repo_;
  FaultServer server_;
  FetchOptions options_;
  FetchObserver observer_;
  std::string notices_;
};

TEST_F(FetchFaultTest, WithoutFaultsEachByteComesOnce) {
  EXPECT_EQ(ReceivedAgain(FetchAndCheck()), 0);
  EXPECT_EQ(notices_, "");
}

TEST_F(FetchFaultTest, WhatIsNoRepositoryIsNotAskedFor) {
  EXPECT_TRUE(IsRepoId("org/model"));
  EXPECT_FALSE(IsRepoId("./model"));
  options_.repo_id = "./model";
  EXPECT_TRUE(absl::IsInvalidArgument(Fetch().status()));
  EXPECT_EQ(server_.requests().size(), 0);
}

TEST_F(FetchFaultTest, SecondCallFetchesNothing) {
  FetchAndCheck();
  EXPECT_EQ(FetchAndCheck().received_bytes, 0);
}

TEST_F(FetchFaultTest, ConnectionsCutInTheMiddle) {
  std::atomic<int> cuts{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request) || cuts.fetch_add(1) % 2 == 1) return false;
    const Range range = *request.range;
    const std::string& contents = repo_.contents("model.safetensors");
    connection->SendHead(
        206,
        {absl::StrCat("Content-Range: bytes ", range.begin, "-", range.end - 1,
                      "/", contents.size())},
        range.size());
    connection->Send(
        absl::string_view(contents).substr(range.begin, range.size() / 2 + 7));
    connection->Close();
    return true;
  });
  // What had arrived before a cut is never asked for again.
  EXPECT_EQ(ReceivedAgain(FetchAndCheck()), 0);
  EXPECT_GT(cuts, 3);
}

TEST_F(FetchFaultTest, StalledConnectionIsGivenUp) {
  options_.stall_timeout = absl::Milliseconds(200);
  std::atomic<int> stalls{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request) || stalls.fetch_add(1) > 2) return false;
    const Range range = *request.range;
    const std::string& contents = repo_.contents("model.safetensors");
    connection->SendHead(
        206,
        {absl::StrCat("Content-Range: bytes ", range.begin, "-", range.end - 1,
                      "/", contents.size())},
        range.size());
    connection->Send(absl::string_view(contents).substr(range.begin, 1000));
    connection->Wait(absl::Seconds(20));
    connection->Close();
    return true;
  });
  EXPECT_EQ(ReceivedAgain(FetchAndCheck()), 0);
  EXPECT_THAT(notices_, HasSubstr("nothing came for 200ms"));
}

TEST_F(FetchFaultTest, StallBeforeTheFirstByteOfTheApi) {
  options_.stall_timeout = absl::Milliseconds(200);
  std::atomic<int> requests{0};
  server_.SetFault([&](const Request&, Connection* connection) {
    if (requests.fetch_add(1) > 0) return false;
    connection->Wait(absl::Seconds(20));
    return true;
  });
  FetchAndCheck();
}

TEST_F(FetchFaultTest, RetryAfterIsWaitedFor) {
  absl::Time asked = absl::InfinitePast();
  absl::Time came_back = absl::InfinitePast();
  absl::Mutex mutex;
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    absl::MutexLock lock(&mutex);
    if (asked == absl::InfinitePast()) {
      asked = absl::Now();
      connection->Reply(429, {"Retry-After: 1"}, "slow down");
      return true;
    }
    if (came_back == absl::InfinitePast()) came_back = absl::Now();
    return false;
  });
  FetchAndCheck();
  EXPECT_GE(came_back - asked, absl::Seconds(1));
}

TEST_F(FetchFaultTest, RetryAfterBeyondPatienceIsAnError) {
  options_.max_backoff = absl::Seconds(10);
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    connection->Reply(429, {"Retry-After: 3600"}, "");
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), AllOf(HasSubstr("429"), HasSubstr("1h")));
}

TEST_F(FetchFaultTest, StormOfServerErrorsPasses) {
  std::atomic<int> requests{0};
  server_.SetFault([&](const Request&, Connection* connection) {
    // Five of six requests fail, API and files alike.
    if (requests.fetch_add(1) % 6 == 5) return false;
    connection->Reply(500 + requests % 4 * (requests % 4 != 1), {}, "storm");
    return true;
  });
  options_.max_tries = 12;
  options_.max_backoff = absl::Milliseconds(20);
  FetchAndCheck();
}

TEST_F(FetchFaultTest, EndlessServerErrorsEndInAnErrorThatKeepsWhatIsThere) {
  std::atomic<int> errors{0};
  std::atomic<bool> broken{true};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!broken || !AsksForWeights(request) || request.range->begin < kMiB) {
      return false;
    }
    errors.fetch_add(1);
    connection->Reply(503, {}, "");
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("model.safetensors"), HasSubstr("503"),
                    HasSubstr("run again to go on")));
  EXPECT_LT(errors, 100);
  broken = false;
  const Snapshot snapshot = FetchAndCheck();
  EXPECT_LE(snapshot.received_bytes, 5 * kMiB);
}

TEST_F(FetchFaultTest, WrongLengthIsAnError) {
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    FaultServer::ReplyWithFile(
        request, repo_.contents("model.safetensors") + "more", "e", connection);
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr(absl::StrCat(6 * kMiB + 4, " bytes")),
                    HasSubstr(absl::StrCat("lists ", 6 * kMiB))));
}

TEST_F(FetchFaultTest, MoreBytesThanAskedForAreNotBelieved) {
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    const Range range = *request.range;
    const std::string& contents = repo_.contents("model.safetensors");
    connection->SendHead(
        206,
        {absl::StrCat("Content-Range: bytes ", range.begin, "-", range.end - 1,
                      "/", contents.size())},
        range.size() + 100000);
    connection->Send(
        absl::string_view(contents).substr(range.begin, range.size()));
    connection->Send(std::string(100000, 'x'));
    connection->Close();
    return true;
  });
  FetchAndCheck();
}

TEST_F(FetchFaultTest, WrongPlaceIsNotBelieved) {
  std::atomic<int> wrong{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request) || wrong.fetch_add(1) % 2 == 1) return false;
    connection->Reply(206, {"Content-Range: bytes 5-9/6291456"}, "hello");
    return true;
  });
  FetchAndCheck();
}

TEST_F(FetchFaultTest, WrongBytesOnceAreFetchedAgain) {
  std::atomic<bool> damaged{false};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request) || damaged.exchange(true)) return false;
    std::string contents = repo_.contents("model.safetensors");
    contents[request.range->begin + 100] ^= 1;
    FaultServer::ReplyWithFile(request, contents,
                               repo_.Etag("model.safetensors"), connection);
    return true;
  });
  FetchAndCheck();
  EXPECT_THAT(notices_, AllOf(HasSubstr("starts over"),
                              HasSubstr(repo_.Etag("model.safetensors"))));
}

TEST_F(FetchFaultTest, WrongBytesTwiceAreAnErrorWithBothHashes) {
  HubRepo wrong = HubRepo::SmallModel(6 * kMiB);
  std::string contents = wrong.contents("model.safetensors");
  contents.back() ^= 1;
  wrong.Add("model.safetensors", contents, true);
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    FaultServer::ReplyWithFile(request, contents, "same", connection);
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr(wrong.Etag("model.safetensors")),
                    HasSubstr(repo_.Etag("model.safetensors"))));
  // Nothing wrong has got a final name.
  EXPECT_EQ(Contents(temp_ / absl::StrCat("hub/models--org--model/blobs/",
                                          repo_.Etag("model.safetensors"))),
            "(none)");
}

TEST_F(FetchFaultTest, WrongBytesOfAGitFileAreNoticed) {
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!absl::EndsWith(request.path, "/config.json")) return false;
    std::string contents = repo_.contents("config.json");
    contents[0] = '[';
    FaultServer::ReplyWithFile(request, contents, "e", connection);
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), AllOf(HasSubstr("config.json"),
                                      HasSubstr(repo_.Etag("config.json"))));
}

TEST_F(FetchFaultTest, EtagThatChangesMidwayStartsTheFileOver) {
  // The first requests see stale contents under another ETag.
  const std::string stale = testing::RandomBytes(6 * kMiB, 99);
  std::atomic<int> requests{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    const bool is_stale = requests.fetch_add(1) < 3;
    FaultServer::ReplyWithFile(
        request, is_stale ? stale : repo_.contents("model.safetensors"),
        is_stale ? "old" : "new", connection);
    return true;
  });
  FetchAndCheck();
  EXPECT_THAT(notices_, AllOf(HasSubstr("model.safetensors starts over"),
                              HasSubstr("changed on the server")));
  // Noticed by the ETag, not only by the hash at the end.
  EXPECT_THAT(notices_, Not(HasSubstr("SHA-256")));
}

TEST_F(FetchFaultTest, EtagThatChangesAllTheTimeIsAnError) {
  std::atomic<int> requests{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    FaultServer::ReplyWithFile(request, repo_.contents("model.safetensors"),
                               absl::StrCat(requests.fetch_add(1)), connection);
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("again and again"));
}

TEST_F(FetchFaultTest, RangesAreIgnored) {
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    connection->Reply(200, {}, repo_.contents("model.safetensors"));
    return true;
  });
  EXPECT_EQ(ReceivedAgain(FetchAndCheck()), 0);
}

TEST_F(FetchFaultTest, RangesAreIgnoredOnTheWay) {
  std::atomic<int> requests{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request) || requests.fetch_add(1) < 2) return false;
    connection->Reply(200, {}, repo_.contents("model.safetensors"));
    return true;
  });
  FetchAndCheck();
}

TEST_F(FetchFaultTest, RangeNotSatisfiablePasses) {
  std::atomic<int> requests{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request) || requests.fetch_add(1) % 3 != 1) {
      return false;
    }
    connection->Reply(416, {"Content-Range: bytes */6291456"}, "");
    return true;
  });
  FetchAndCheck();
}

TEST_F(FetchFaultTest, AnswersWithoutALengthAreTakenToTheirEnd) {
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!absl::EndsWith(request.path, "/config.json")) return false;
    connection->SendHead(200, {"Connection: close"}, std::nullopt);
    connection->Send(repo_.contents("config.json"));
    connection->Close();
    return true;
  });
  FetchAndCheck();
}

TEST_F(FetchFaultTest, GarbageForAnAnswerIsAnError) {
  server_.SetFault([&](const Request&, Connection* connection) {
    connection->Send("\x00\x01garbage\r\n\r\n");
    connection->Close();
    return true;
  });
  options_.max_tries = 2;
  EXPECT_TRUE(absl::IsUnavailable(Fetch().status()));
}

TEST_F(FetchFaultTest, EndlessApiAnswerIsAnError) {
  server_.SetFault([&](const Request&, Connection* connection) {
    connection->SendHead(200, {}, std::nullopt);
    const std::string block(kMiB, '[');
    while (connection->open()) connection->Send(block);
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

// What a hostile repository could list.
class HostileListTest : public FetchFaultTest {
 protected:
  // The error when the hub lists this entry as well.
  absl::Status FetchWith(const std::string& entry) {
    server_.SetFault(
        [this, entry](const Request& request, Connection* connection) {
          if (!absl::StrContains(request.path, "/tree/")) return false;
          const std::string tree = repo_.TreeJson(0, 100);
          connection->Reply(
              200, {},
              absl::StrCat(tree.substr(0, tree.size() - 1), ",", entry, "]"));
          return true;
        });
    return Fetch().status();
  }

  static std::string Entry(absl::string_view path, absl::string_view type,
                           absl::string_view oid, absl::string_view size) {
    return absl::StrCat(R"({"type": ")", type, R"(", "oid": ")", oid,
                        R"(", "size": )", size, R"(, "path": ")", path, "\"}");
  }

  const std::string oid_ = "ce013625030ba8dba906f756967f9e9ca394464a";
};

TEST_F(HostileListTest, NamesThatLeaveTheDirectoryAreRefused) {
  for (const char* path :
       {"../evil", "a/../../evil", "/tmp/evil", "a//b", "a\\\\b",
        ".git/hooks/post-checkout", "x\\u0000y", "x\\ny", ""}) {
    const absl::Status status = FetchWith(Entry(path, "file", oid_, "6"));
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << path << ": " << status;
  }
  EXPECT_EQ(testing::FilesBelow(temp_.path()).size(), 0);
}

TEST_F(HostileListTest, OnlyFilesAndDirectoriesAreTaken) {
  EXPECT_TRUE(
      absl::IsInvalidArgument(FetchWith(Entry("link", "symlink", oid_, "6"))));
  EXPECT_TRUE(absl::IsInvalidArgument(
      FetchWith(Entry("module", "submodule", oid_, "6"))));
}

TEST_F(HostileListTest, HashesThatAreNoneAreRefused) {
  for (const char* oid :
       {"", "../../x", "CE013625030BA8DBA906F756967F9E9CA394464A",
        "ce013625030ba8dba906f756967f9e9ca394464"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(FetchWith(Entry("a.json", "file", oid, "6"))))
        << oid;
  }
}

TEST_F(HostileListTest, SizesBeyondTheDiskAreRefusedBeforeTheFirstByte) {
  const absl::Status status =
      FetchWith(Entry("a.json", "file", oid_, "4611686018427387904"));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(server_.CountRequests("/resolve/"), 0);
}

TEST_F(HostileListTest, FileAndDirectoryOfOneNameAreRefused) {
  options_.include = {"*"};
  EXPECT_FALSE(FetchWith(Entry("config.json/a.json", "file", oid_, "6")).ok());
}

// With LFS files on another origin, as the hub has them.
class FetchRedirectTest : public FetchFaultTest {
 protected:
  FetchRedirectTest() : store_(&repo_) { server_.RedirectLfsTo(store_.url()); }

  FaultServer store_;
};

TEST_F(FetchRedirectTest, TokenStaysWithTheHub) {
  options_.token = "hf_secret";
  FetchAndCheck();
  EXPECT_GT(store_.requests().size(), 3);
  for (const Request& request : store_.requests()) {
    EXPECT_EQ(request.Header("authorization"), "");
  }
  for (const Request& request : server_.requests()) {
    EXPECT_EQ(request.Header("authorization"), "Bearer hf_secret");
  }
}

TEST_F(FetchRedirectTest, OneRedirectServesManyRanges) {
  FetchAndCheck();
  EXPECT_EQ(server_.CountRequests("model.safetensors"), 1);
}

TEST_F(FetchRedirectTest, ExpiredAddressIsAskedForAgain) {
  // Each signature is good for two requests.
  absl::Mutex mutex;
  std::map<std::string, int> uses;
  store_.SetFault([&](const Request& request, Connection* connection) {
    absl::MutexLock lock(&mutex);
    if (++uses[request.query] <= 2) return false;
    connection->Reply(403, {}, "Request has expired");
    return true;
  });
  EXPECT_LT(ReceivedAgain(FetchAndCheck()), 64 * 1024);
  EXPECT_GT(uses.size(), 1);
}

TEST_F(FetchRedirectTest, OtherContentsBehindTheRedirectAreNoticed) {
  std::atomic<int> requests{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    if (requests.fetch_add(1) > 0) return false;
    connection->Reply(
        302,
        {absl::StrCat("Location: ", store_.url(), "/blobs/x"),
         absl::StrCat("X-Linked-Etag: \"", std::string(64, 'a'), "\"")},
        "");
    return true;
  });
  FetchAndCheck();
  EXPECT_THAT(notices_, HasSubstr("changed on the hub"));
}

TEST_F(FetchRedirectTest, RedirectInACircleIsAnError) {
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    connection->Reply(302, {absl::StrCat("Location: ", request.path)}, "");
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("circle"));
}

TEST_F(FetchRedirectTest, RedirectToAFileIsRefused) {
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    connection->Reply(302, {"Location: file:///etc/passwd"}, "");
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("refused"));
}

TEST_F(FetchRedirectTest, GoesOnInAnotherCallUnderAnotherAddress) {
  std::atomic<bool> cut{true};
  store_.SetFault([&](const Request& request, Connection* connection) {
    if (!cut || request.range->begin < 2 * kMiB) return false;
    connection->Close();
    return true;
  });
  options_.max_tries = 2;
  EXPECT_FALSE(Fetch().ok());
  cut = false;
  EXPECT_LE(FetchAndCheck().received_bytes, 4 * kMiB + 1000);
}

}  // namespace
}  // namespace fetch
