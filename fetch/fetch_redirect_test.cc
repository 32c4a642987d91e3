// LFS files on another origin, as the hub has them: redirects, signed
// addresses, and who sees the token.

#include <atomic>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "fetch/fetch.h"
#include "fetch/testing/fault_fixture.h"
#include "fetch/testing/fault_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::fetch::testing::Connection;
using ::fetch::testing::FaultServer;
using ::fetch::testing::Request;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class FetchRedirectTest : public FaultFixture {
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

TEST_F(FetchRedirectTest, RefusalWhereARenamedRepositoryHasGone) {
  options_.token = "hf_secret";
  server_.SetFault([&](const Request& request, Connection* connection) {
    if (absl::StrContains(request.path, "/renamed/")) {
      EXPECT_EQ(request.Header("authorization"), "Bearer hf_secret");
      connection->Reply(403, {"X-Error-Code: GatedRepo"}, "");
      return true;
    }
    if (!AsksForWeights(request)) return false;
    connection->Reply(307, {"Location: /org/renamed/model.safetensors"}, "");
    return true;
  });
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("gated"), Not(HasSubstr("hf_secret"))));
  EXPECT_EQ(server_.CountRequests("/renamed/"), 1);
}

TEST_F(FetchRedirectTest, AddressThatIsNeverGoodIsAnError) {
  store_.SetFault([&](const Request&, Connection* connection) {
    connection->Reply(403, {}, "Request has expired");
    return true;
  });
  options_.max_tries = 3;
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), AllOf(HasSubstr("403"), HasSubstr(store_.url()),
                                      Not(HasSubstr("signature"))));
  // A new address for each try.
  EXPECT_EQ(server_.CountRequests("model.safetensors"), 3);
}

}  // namespace
}  // namespace fetch
