// What a hostile or broken hub may answer to a question for a list of files:
// nothing of it is believed, nothing grows without bound, and nothing is
// written outside the target.

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/testing/temp_dir.h"
#include "fetch/fetch.h"
#include "fetch/testing/fault_fixture.h"
#include "fetch/testing/fault_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::base::Contents;
using ::base::LinkOf;
using ::base::WriteContents;
using ::fetch::testing::Connection;
using ::fetch::testing::Request;
using ::testing::AllOf;
using ::testing::HasSubstr;

class HostileHubTest : public FaultFixture {
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

  // The error when the hub answers so to all questions of its API.
  absl::Status FetchFromApi(const std::string& answer) {
    server_.SetFault([answer](const Request& request, Connection* connection) {
      if (!absl::StrContains(request.path, "/api/")) return false;
      connection->Reply(200, {}, answer);
      return true;
    });
    return Fetch().status();
  }

  // The hub lists its files in pages of `per_page`.
  void ListInPages(size_t per_page) {
    server_.SetFault(
        [this, per_page](const Request& request, Connection* connection) {
          if (!absl::StrContains(request.path, "/tree/")) return false;
          size_t page = 0;
          const absl::string_view query = request.query;
          const size_t cursor = query.find("cursor=");
          if (cursor != absl::string_view::npos) {
            EXPECT_TRUE(absl::SimpleAtoi(query.substr(cursor + 7), &page));
          }
          const std::string link =
              page + 1 == repo_.Pages(per_page)
                  ? "X-Last: 1"
                  : absl::StrCat("Link: <", request.path, "?cursor=", page + 1,
                                 ">; rel=\"next\"");
          connection->Reply(200, {link}, repo_.TreeJson(page, per_page));
          return true;
        });
  }

  static std::string Entry(absl::string_view path, absl::string_view type,
                           absl::string_view oid, absl::string_view size) {
    return absl::StrCat(R"({"type": ")", type, R"(", "oid": ")", oid,
                        R"(", "size": )", size, R"(, "path": ")", path, "\"}");
  }

  const std::string oid_ = "ce013625030ba8dba906f756967f9e9ca394464a";
};

TEST_F(HostileHubTest, NamesThatLeaveTheDirectoryAreRefused) {
  for (const char* path :
       {"../evil", "a/../../evil", "/tmp/evil", "a//b", "a\\\\b",
        ".git/hooks/post-checkout", "x\\u0000y", "x\\ny", ""}) {
    const absl::Status status = FetchWith(Entry(path, "file", oid_, "6"));
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << path << ": " << status;
  }
  EXPECT_EQ(base::FilesBelow(temp_.path()).size(), 0);
}

TEST_F(HostileHubTest, OnlyFilesAndDirectoriesAreTaken) {
  EXPECT_TRUE(
      absl::IsInvalidArgument(FetchWith(Entry("link", "symlink", oid_, "6"))));
  EXPECT_TRUE(absl::IsInvalidArgument(
      FetchWith(Entry("module", "submodule", oid_, "6"))));
}

TEST_F(HostileHubTest, HashesThatAreNoneAreRefused) {
  for (const char* oid :
       {"", "../../x", "CE013625030BA8DBA906F756967F9E9CA394464A",
        "ce013625030ba8dba906f756967f9e9ca394464"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(FetchWith(Entry("a.json", "file", oid, "6"))))
        << oid;
  }
}

TEST_F(HostileHubTest, SizesBeyondTheDiskAreRefusedBeforeTheFirstByte) {
  const absl::Status status =
      FetchWith(Entry("a.json", "file", oid_, "4611686018427387904"));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(server_.CountRequests("/resolve/"), 0);
}

TEST_F(HostileHubTest, FileAndDirectoryOfOneNameAreRefused) {
  options_.include = {"*"};
  EXPECT_FALSE(FetchWith(Entry("config.json/a.json", "file", oid_, "6")).ok());
}

TEST_F(HostileHubTest, EndlessApiAnswerIsAnError) {
  server_.SetFault([&](const Request&, Connection* connection) {
    connection->SendHead(200, {}, std::nullopt);
    const std::string block(kMiB, '[');
    while (connection->open()) connection->Send(block);
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

TEST_F(HostileHubTest, AnswersThatAreNoAnswersOfAHub) {
  for (const char* answer :
       {"<!DOCTYPE html><html>Please log in</html>", "", "{}", "null",
        R"({"sha": "main"})", R"({"sha": 5})", "[", "\xff\xfe"}) {
    const absl::Status status = FetchFromApi(answer);
    EXPECT_TRUE(absl::IsUnavailable(status)) << answer << ": " << status;
    EXPECT_THAT(status.message(), HasSubstr("HF_ENDPOINT")) << answer;
  }
}

TEST_F(HostileHubTest, DeepNestingIsNoMatter) {
  EXPECT_TRUE(absl::IsUnavailable(FetchFromApi(std::string(kMiB, '['))));
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_TRUE(absl::IsUnavailable(FetchFromApi(deep)));
}

TEST_F(HostileHubTest, ListsWithoutAnEnd) {
  server_.SetFault([this](const Request& request, Connection* connection) {
    if (!absl::StrContains(request.path, "/tree/")) return false;
    connection->Reply(
        200,
        {absl::StrCat("Link: <", request.path, "?cursor=1>; rel=\"next\"")},
        repo_.TreeJson(0, 100));
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("one that was there before"));
  EXPECT_LT(server_.CountRequests("/tree/"), 4);
}

TEST_F(HostileHubTest, EmptyPagesAreNotFollowed) {
  std::atomic<int> pages{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!absl::StrContains(request.path, "/tree/")) return false;
    connection->Reply(200,
                      {absl::StrCat("Link: <", request.path,
                                    "?cursor=", pages++, ">; rel=\"next\"")},
                      "[]");
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(pages, 1);
}

// A mirror that passes on the hub's answers: the next page is its own too.
TEST_F(HostileHubTest, NextPageIsAskedOfTheSameHost) {
  server_.SetFault([this](const Request& request, Connection* connection) {
    if (!absl::StrContains(request.path, "/tree/")) return false;
    const bool first = !absl::StrContains(request.query, "cursor=1");
    const std::string link =
        first ? "Link: <https://elsewhere.invalid/api/models/x/tree/y?cursor=1>"
                "; rel=\"next\""
              : "X-Last: 1";
    connection->Reply(200, {link}, repo_.TreeJson(first ? 0 : 1, 2));
    return true;
  });
  const absl::StatusOr<Snapshot> snapshot = Fetch();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(server_.CountRequests("/tree/"), 2);
}

TEST_F(HostileHubTest, PartsBeyondTheEndAreNotTaken) {
  std::atomic<int> requests{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    ++requests;
    connection->SendHead(
        206,
        {absl::StrCat("Content-Range: bytes ", request.range->begin,
                      "-18446744073709551615/", 6 * kMiB)},
        std::nullopt);
    const std::string block(kMiB, 'x');
    for (int i = 0; connection->open() && i < 100; ++i) connection->Send(block);
    connection->Close();
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("beyond the file's end"));
  EXPECT_LT(requests, 100);
}

TEST_F(HostileHubTest, AnswersDropByDropAreCounted) {
  std::atomic<int> requests{0};
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    ++requests;
    const uint64_t at = request.range->begin;
    connection->Reply(
        206,
        {absl::StrCat("Content-Range: bytes ", at, "-", at, "/", 6 * kMiB)},
        repo_.contents("model.safetensors").substr(at, 1));
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("gives 1 bytes"));
  EXPECT_LT(requests, 200);
}

TEST_F(HostileHubTest, TrickleIsNoDownload) {
  options_.stall_timeout = absl::Milliseconds(300);
  options_.max_tries = 2;
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (!AsksForWeights(request)) return false;
    const uint64_t at = request.range->begin;
    connection->SendHead(206,
                         {absl::StrCat("Content-Range: bytes ", at, "-",
                                       request.range->end - 1, "/", 6 * kMiB)},
                         request.range->size());
    while (connection->open()) {
      connection->Send("x");
      connection->Wait(absl::Milliseconds(20));
    }
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(HostileHubTest, NamesDoNotActOnATerminal) {
  const absl::Status status =
      FetchWith(Entry("\\u009b2Ja", "symlink\\u001b[1m\\u202e", oid_, "6"));
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("\\u009b2Ja"), HasSubstr("\\x1b[1m\\u202e")));
}

TEST_F(HostileHubTest, OneFileTwice) {
  const absl::Status status =
      FetchWith(Entry("config.json", "file", oid_, "6"));
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("config.json twice"));
}

TEST_F(HostileHubTest, TenThousandFiles) {
  for (int i = 0; i < 10000; ++i) {
    repo_.Add(absl::StrCat("data/", i % 100, "/", i, ".txt"),
              absl::StrCat("file ", i), false);
  }
  ListInPages(1000);
  // What a conversion needs of them.
  EXPECT_EQ(Fetch()->files.size(), 4);
  EXPECT_LT(server_.CountRequests("/resolve/"), 20);
  // Some directories of them.
  options_.include = {"data/7/", "data/42/"};
  const absl::StatusOr<Snapshot> many = Fetch();
  ASSERT_TRUE(many.ok()) << many.status();
  EXPECT_EQ(many->files.size(), 200);
  for (const SnapshotFile& file : many->files) {
    EXPECT_EQ(Contents(absl::StrCat(many->directory, "/", file.path)),
              repo_.contents(file.path));
  }
}

// Links in a directory of plain files that lead out of it.
class LinkedDirectoryTest : public HostileHubTest {
 protected:
  LinkedDirectoryTest() {
    repo_.Add("sub/a.json", "from the hub", false);
    options_.include = {"*.json"};
    options_.local_dir = temp_ / "local";
    WriteContents(temp_ / "local/x", "");
    WriteContents(temp_ / "outside/a.json", "precious");
  }
};

TEST_F(LinkedDirectoryTest, LinkedFileIsReplacedNotFollowed) {
  WriteContents(temp_ / "local/sub/x", "");
  ASSERT_EQ(
      symlink("../../outside/a.json", (temp_ / "local/sub/a.json").c_str()), 0);
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(Contents(temp_ / "local/sub/a.json"), "from the hub");
  EXPECT_EQ(LinkOf(temp_ / "local/sub/a.json"), "(no link)");
  EXPECT_EQ(Contents(temp_ / "outside/a.json"), "precious");
}

TEST_F(LinkedDirectoryTest, LinkedDirectoryIsRefused) {
  ASSERT_EQ(symlink("../outside", (temp_ / "local/sub").c_str()), 0);
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("local/sub"), HasSubstr("symbolic link")));
  EXPECT_EQ(Contents(temp_ / "outside/a.json"), "precious");
}

}  // namespace
}  // namespace fetch
