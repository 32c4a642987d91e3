// What becomes of a download when the server or the network fails on the way:
// the final bytes are right, or the error is the stated one.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/parallel.h"
#include "base/range_set.h"
#include "base/testing/child_process.h"
#include "base/testing/temp_dir.h"
#include "fetch/cache/local_directory.h"
#include "fetch/cache/range_record.h"
#include "fetch/fetch.h"
#include "fetch/testing/fault_fixture.h"
#include "fetch/testing/fault_server.h"
#include "fetch/testing/hub_repo.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::base::Contents;
using ::base::WriteContents;
using ::fetch::testing::Connection;
using ::fetch::testing::FaultServer;
using ::fetch::testing::HubRepo;
using ::fetch::testing::Request;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class FetchFaultTest : public FaultFixture {
 protected:
  // Answers a request for a range of the weights, but with `sent` bytes of it
  // only; the head promises `too_many` bytes more than were asked for.
  void SendPart(const Request& request, size_t sent, size_t too_many,
                Connection* connection) const {
    const base::Range range = *request.range;
    const absl::string_view contents = repo_.contents("model.safetensors");
    connection->SendHead(
        206,
        {absl::StrCat("Content-Range: bytes ", range.begin, "-", range.end - 1,
                      "/", contents.size())},
        range.size() + too_many);
    connection->Send(contents.substr(range.begin, sent));
  }
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
    SendPart(request, request.range->size() / 2 + 7, 0, connection);
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
    SendPart(request, 1000, 0, connection);
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

TEST_F(FetchFaultTest, RetryAfterMayBeADate) {
  absl::Time until = absl::InfinitePast();
  absl::Time came_back = absl::InfinitePast();
  absl::Mutex mutex;
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    absl::MutexLock lock(&mutex);
    if (until == absl::InfinitePast()) {
      until = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) + 2);
      const std::string date = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT",
                                                until, absl::UTCTimeZone());
      connection->Reply(503, {absl::StrCat("Retry-After: ", date)}, "");
      return true;
    }
    if (came_back == absl::InfinitePast()) came_back = absl::Now();
    return false;
  });
  FetchAndCheck();
  EXPECT_GE(came_back, until);
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
  absl::Mutex mutex;
  std::map<std::string, int> requests;
  server_.SetFault([&](const Request& request, Connection* connection) {
    absl::MutexLock lock(&mutex);
    const int before = requests[request.path]++;
    // Five of six requests fail for each path, of the API and of files.
    if (before % 6 == 5) return false;
    constexpr int kStatuses[] = {500, 502, 503, 504};
    connection->Reply(kStatuses[before % 4], {}, "storm");
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
    SendPart(request, request.range->size(), 100000, connection);
    connection->Send(std::string(100000, 'x'));
    connection->Close();
    return true;
  });
  FetchAndCheck();
}

TEST_F(FetchFaultTest, MoreBytesMayComeWhenTheFileIsComplete) {
  std::atomic<int> refused{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) {
      // The download is still running when they come.
      const bool last = absl::StrContains(request.path, "tokenizer.json");
      for (int i = 0; last && refused == 0 && i < 2000; ++i) {
        connection->Wait(absl::Milliseconds(5));
      }
      return false;
    }
    constexpr size_t kTooMany = size_t{64} << 20;
    SendPart(request, request.range->size(), kTooMany, connection);
    if (request.range->end < 6 * kMiB) {
      connection->Close();
      return true;
    }
    for (size_t sent = 0; connection->open() && sent < kTooMany; sent += kMiB) {
      connection->Send(std::string(kMiB, 'x'));
      connection->Wait(absl::Milliseconds(5));
    }
    // The client has closed it.
    if (!connection->open()) ++refused;
    return true;
  });
  FetchAndCheck();
  EXPECT_GT(refused, 0);
}

// A copy from the cache is made under the file's lock and a name of its own.
TEST_F(FetchFaultTest, TwoCallsCopyFromTheCacheIntoOneDirectory) {
  FetchAndCheck();
  for (int round = 0; round < 5; ++round) {
    options_.local_dir = temp_ / absl::StrCat("local", round);
    std::atomic<int> right{0};
    base::RunInParallel(2, [&](int) {
      const absl::StatusOr<Snapshot> snapshot = FetchSnapshot(options_);
      EXPECT_TRUE(snapshot.ok()) << snapshot.status();
      if (snapshot.ok() && snapshot->received_bytes == 0 &&
          Contents(*options_.local_dir + "/model.safetensors") ==
              repo_.contents("model.safetensors")) {
        ++right;
      }
    });
    EXPECT_EQ(right, 2);
    for (const std::string& file : base::FilesBelow(*options_.local_dir)) {
      EXPECT_THAT(file, Not(AnyOf(HasSubstr("incomplete"), HasSubstr(".tmp"))));
    }
  }
}

TEST_F(FetchFaultTest, OptionsOutOfRangeAreRefused) {
  const auto refused = [this](absl::string_view what) {
    const absl::Status status = Fetch().status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr(std::string(what)));
    EXPECT_EQ(server_.requests().size(), 0);
  };
  for (const int connections : {0, -1, 65, 100000}) {
    options_.connections = connections;
    refused("connections");
  }
  options_.connections = 64;
  options_.max_tries = 1001;
  refused("max_tries");
  options_.max_tries = 6;
  options_.stall_timeout = absl::Hours(25);
  refused("stall_timeout");
  options_.stall_timeout = absl::Seconds(30);
  options_.local_dir = "";  // an empty shell variable: not the root directory
  refused("local_dir");
}

// Whoever reads the directory's name must not go on with half of it.
TEST_F(FetchFaultTest, LostOutputOfTheToolIsAnError) {
  const std::string command = absl::StrCat(
      "fetch/hf_fetch org/model --token= --endpoint=", server_.url(),
      " --cache_dir=", temp_ / "hub");
  const base::ProcessResult whole =
      base::RunProcess({"/bin/sh", "-c", command});
  EXPECT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("/snapshots/"));
  EXPECT_EQ(
      base::RunProcess({"/bin/sh", "-c", command + " >/dev/full"}).exit_code,
      1);
  // Without descriptors of its own it does not write messages into files.
  EXPECT_EQ(
      base::RunProcess({"/bin/sh", "-c", command + " <&- >&- 2>&-"}).exit_code,
      0);
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
  EXPECT_EQ(Contents(BlobPath("model.safetensors")), "(none)");
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

TEST_F(FetchFaultTest, EmptyFilesAreMadeWithoutARequest) {
  repo_.Add("added_tokens.json", "", false);
  repo_.Add("model-empty.safetensors", "", true);
  options_.include = {"*"};
  FetchAndCheck();
  EXPECT_EQ(server_.CountRequests("added_tokens.json"), 0);
  EXPECT_EQ(server_.CountRequests("model-empty.safetensors"), 0);
}

TEST_F(FetchFaultTest, EqualContentsComeOnce) {
  repo_.Add("copy/model.safetensors", repo_.contents("model.safetensors"),
            true);
  repo_.Add("copy.json", repo_.contents("config.json"), false);
  options_.include = {"*"};
  const absl::StatusOr<SnapshotPlan> plan = PlanSnapshot(options_);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_LT(plan->bytes_to_fetch, 7 * kMiB);
  EXPECT_EQ(FetchAndCheck().received_bytes, plan->bytes_to_fetch);
  // In a directory of plain files each file is one of its own.
  options_.local_dir = temp_ / "local";
  options_.cache_dir = temp_ / "other";
  EXPECT_GT(FetchAndCheck().received_bytes, 12 * kMiB);
}

// A crash of the machine after a download, before its files were on the disk.
class CrashTest : public FaultFixture {
 protected:
  static void NoteAsOfAnotherBoot(const std::string& record,
                                  const std::string& etag) {
    base::RangeSet all;
    all.Add({0, 6 * kMiB});
    ASSERT_TRUE(
        WriteRangeRecord(record, {etag, 6 * kMiB}, all, "another-boot").ok());
  }

  const std::string etag_ = repo_.Etag("model.safetensors");
};

TEST_F(CrashTest, FileThatSurvivedIsKept) {
  FetchAndCheck();
  const std::string record =
      BlobPath("model.safetensors") + ".ranges.record.incomplete";
  NoteAsOfAnotherBoot(record, etag_);
  // Offline it is asked whether to go on for each MiB that is hashed, and for
  // each small file; each is hashed once.
  int polls = 0;
  observer_.cancelled = [&polls] { return ++polls < 0; };
  options_.offline = true;
  ASSERT_TRUE(PlanSnapshot(options_, observer_).ok());
  EXPECT_EQ(polls, 6 + static_cast<int>(repo_.files().size()) - 1);
  // Who is asked may say no.
  observer_.cancelled = [] { return true; };
  EXPECT_TRUE(absl::IsCancelled(PlanSnapshot(options_, observer_).status()));
  observer_.cancelled = nullptr;
  options_.offline = false;
  EXPECT_EQ(FetchAndCheck().received_bytes, 0);
  EXPECT_EQ(Contents(record), "(none)");
}

TEST_F(CrashTest, PartThatLostContentsIsNoReasonToGiveUp) {
  // The first half was written before the crash, and is not what was written.
  std::atomic<bool> damaged{false};
  server_.SetFault([&](const Request& request, Connection* connection) {
    // Then the network damages a byte, once, as it may.
    if (!AsksForWeights(request) || request.range->begin > 0 ||
        damaged.exchange(true)) {
      return false;
    }
    std::string contents = repo_.contents("model.safetensors");
    contents[7] ^= 1;
    FaultServer::ReplyWithFile(request, contents, etag_, connection);
    return true;
  });
  const std::string blob = BlobPath("model.safetensors");
  WriteContents(blob + ".ranges.incomplete", std::string(6 * kMiB, 0));
  base::RangeSet half;
  half.Add({0, 3 * kMiB});
  ASSERT_TRUE(WriteRangeRecord(blob + ".ranges.record.incomplete",
                               {etag_, 6 * kMiB}, half, "another-boot")
                  .ok());
  FetchAndCheck();
}

TEST_F(CrashTest, FileThatLostContentsIsFetchedAgain) {
  FetchAndCheck();
  const std::string blob = BlobPath("model.safetensors");
  NoteAsOfAnotherBoot(blob + ".ranges.record.incomplete", etag_);
  WriteContents(blob, std::string(6 * kMiB, 0));
  const absl::StatusOr<SnapshotPlan> plan = PlanSnapshot(options_);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->bytes_to_fetch, 6 * kMiB);
  FetchAndCheck();
}

TEST_F(CrashTest, SoIsOneInADirectoryOfPlainFiles) {
  options_.local_dir = temp_ / "local";
  FetchAndCheck();
  const absl::StatusOr<DownloadPaths> paths =
      LocalDirectory(temp_ / "local").FilePaths("model.safetensors", etag_);
  ASSERT_TRUE(paths.ok()) << paths.status();
  NoteAsOfAnotherBoot(paths->record_path, etag_);
  WriteContents(temp_ / "local/model.safetensors", std::string(6 * kMiB, 0));
  // As a file that came before its metadata has it.
  std::filesystem::last_write_time(
      temp_ / "local/model.safetensors",
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  FetchAndCheck();
  EXPECT_EQ(Contents(paths->record_path), "(none)");
}

}  // namespace
}  // namespace fetch
